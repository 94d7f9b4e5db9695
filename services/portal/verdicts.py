"""Verdicts of lots for people: the same verification an auditor runs, over the same file, with this server's policy."""

import asyncio
import hashlib
from collections import OrderedDict

from shared.lot.report import Report
from shared.lot.verify import verify
from shared.tlog.policy import Policy

KEPT = 256

# (word on the page, shape beside it): never by colour alone.
MARKS = {
    "CONSISTENT": "yes",
    "TO_REVIEW": "look",
    "INCOMPLETE": "part",
    "untrusted": "look",
    "invalid": "no",
    "unreadable": "part",
}


class Verdicts:
    """Reports by the hash of the file, so that a much-scanned code is verified once. Two at a time, off the loop."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._kept: OrderedDict[bytes, Report] = OrderedDict()
        self._two_at_a_time = asyncio.Semaphore(2)

    async def of(self, bundle: bytes) -> Report:
        """The report on this file."""
        name = hashlib.sha256(bundle).digest()
        report = self._kept.get(name)
        if report is None:
            async with self._two_at_a_time:
                report = await asyncio.to_thread(verify, bundle, self._policy)
            self._kept[name] = report
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return report


def word_of(report: Report) -> str:
    """The first word of the page: the verdict of a file that holds, else why there is none."""
    return report.verdict.word if report.outcome == "valid" and report.verdict is not None else report.outcome
