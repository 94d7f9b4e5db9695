"""Every entry and every tile of a log hashed again against its signed root: the first damage, or none.

The core knows no files and no network: anything that can hand out tiles (`Stored`) will do. First the tiles at the
right edge, which the signed root covers directly; then from entry 0 on, each tile before what lies under it.
"""

from collections.abc import Callable

from shared.audit.refusals import Damaged
from shared.audit.stored import Stored
from shared.audit.tree import Tree
from shared.tlog.checkpoint import Checkpoint

Progress = Callable[[int, int], None]


async def first_damage(stored: Stored, checkpoint: Checkpoint, progress: Progress | None = None) -> Damaged | None:
    """The first place where what is stored is not what was signed; None when all of it is. CannotRead passes through.

    `checkpoint` must have been verified. `progress` hears (entries done, entries in all) now and then.
    """
    try:
        tree = Tree(stored, checkpoint)
        await tree.edge()
        async for bundle in tree.bundles():
            if progress is not None:
                progress(bundle.first + len(bundle.entries), checkpoint.size)
    except Damaged as damage:
        return damage
    return None
