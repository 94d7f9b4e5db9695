"""Census forensics: what a list of trees shows of how it was made. ``examine`` is the door."""

from services.permits.domain.forensics.examine import Examination, examine
from services.permits.domain.forensics.score import Score

__all__ = ["Examination", "Score", "examine"]
