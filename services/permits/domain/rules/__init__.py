"""Rules over a plan and over those who made it, by noun: each answers with ``Finding``, from facts, without I/O."""
