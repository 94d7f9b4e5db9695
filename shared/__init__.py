"""What both sides of a trust line must agree on."""
