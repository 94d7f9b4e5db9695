"""What an auditor runs against a log that somebody else operates: copy it, re-hash it, watch it.

Nothing that a server or a disk answers is believed before its hash leads to a checkpoint that the reader's own
tlog-policy accepts. `source` reads, `tree` verifies, `fsck` names the first damage, `mirror` copies, `monitor` replays
the records with the rules of `shared.timber` and says what does not hold. Knows no service and no database but its own.
"""
