"""Any log of bytes: canonical documents, signed notes, Merkle trees, tiles, checkpoints, proofs and policies.

The formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-cosignature, tlog-policy)
and RFC 6962, byte for byte. Nothing here reads a file, a clock or a network, and nothing here knows wood.
"""
