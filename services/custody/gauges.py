"""What `/metrics` says of the log itself, beside the requests."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from services.custody.outside.published import Published
from services.custody.soundness.scrub import State

GAUGES: tuple[tuple[str, str, Callable[[Published, State], float]], ...] = (
    ("trozalog_log_frozen", "1 while nothing is signed or recorded", lambda p, _: p.frozen is not None),
    ("trozalog_log_held_up", "1 while the newest checkpoint cannot be published", lambda p, _: p.held_up is not None),
    ("trozalog_log_signed_entries", "Entries under the checkpoint that is served", lambda p, _: p.size),
    ("trozalog_scrub_entries", "Entries hashed again in this pass", lambda _, s: s.entries),
    ("trozalog_scrub_passes", "Passes over the whole log that came to an end", lambda _, s: s.passes),
    ("trozalog_scrub_damage", "1 while damage is known", lambda _, s: s.damage != ""),
    ("trozalog_scrub_aside", "1 while damage is known that freezes nothing", lambda _, s: s.aside != ""),
    ("trozalog_archive_mended", "Files of the archive that were copied again", lambda _, s: s.mended),
)


def register(registry: CollectorRegistry, now: Callable[[], tuple[Published, State]]) -> None:
    """Adds the gauges; `now` is asked when somebody reads them."""
    for name, text, read in GAUGES:
        Gauge(name, text, registry=registry).set_function(lambda read=read: float(read(*now())))  # type: ignore[misc]
