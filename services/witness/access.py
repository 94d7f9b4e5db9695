"""Everything is public: what counts is the log's signature under a checkpoint, not who carries it."""

from shared.web.access import Table

ACCESS: Table = {
    name: {"public": "any"} for name in ("add_checkpoint", "read_newest", "read_evidence")
}  # fmt: skip
