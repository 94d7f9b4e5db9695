"""What each type of record does to the facts.

A step reads all it needs and refuses before it changes anything, so that a refused record leaves no trace; only then
it writes, and answers with the outcomes of the rules.
"""
