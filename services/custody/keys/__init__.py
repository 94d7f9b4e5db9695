"""The keys custody holds: the log's own, and those of members without a device."""
