"""How many questions strangers may ask of one process. Each address has its own limit at the gateway."""

import time

from shared.web.problems import TooManyAttempts

RATE = 20.0
BURST = 40.0


class Bucket:
    """A token bucket for all callers without a token together."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def take(self, questions: int = 1) -> None:
        """So many questions; ``TooManyAttempts`` when not as many are left for now."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < questions:
            raise TooManyAttempts(retry_after_s=1)
        self._left -= questions
