"""Whether the rows are what was signed, and the way back when they are not."""
