"""A witness: cosigns a log's checkpoints while each extends the last one, and never two histories.

It is run by whoever wants to watch, away from the log's operator. It needs a key, a list of logs and one folder.
"""
