"""Documents to take away: the same facts give the same bytes."""
