"""Documents and rules of wood: what a record may say, what it does to the facts, and what the rules make of it."""
