"""Bodies and answers of the HTTP door, by noun."""
