"""One sale, provable offline: the proof file of a lot, and its verification without any server."""
