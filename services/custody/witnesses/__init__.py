"""The witnesses of the log's own policy: asking them, their cosignatures, and what speaks against the log."""
