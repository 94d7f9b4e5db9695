"""Why a record is refused at the door. Each class is one reason somebody in the field can act on.

A breach of a rule is not here: it is recorded, with an outcome. What is refused is what cannot be attached to the
chain at all, what was used before, and our own guides when they would certify what the facts do not bear.
"""

from shared.timber.refusals.acts import (
    CensusExceeded,
    CertificateStatus,
    ListFromFuture,
    LogEnded,
    NotCertifying,
    NotClosed,
    NotIndependent,
    NotTheEnd,
    PermitStatus,
    WindowOrder,
)
from shared.timber.refusals.chain import (
    AlreadyDone,
    IdTaken,
    NotYours,
    TooMany,
    UnknownOrganisation,
    UnknownParent,
    Unrelated,
)
from shared.timber.refusals.findings import NotPublishing, NotSupervising, OwnFinding
from shared.timber.refusals.guides import (
    BalanceExceeded,
    GuideDates,
    GuideFromFuture,
    GuideRefused,
    GuideTooLong,
    GuideWithoutItems,
    LineNotAuthorised,
    LinesDiffer,
    MovementEnded,
    NeverDrawn,
    NotCrossCut,
    NotOfPermit,
    OnOpenGuide,
    OpenFinding,
    OutsideMovementWindow,
    PermitNotInForce,
    StatusStale,
)
from shared.timber.refusals.keys import (
    DistrustLater,
    KeyReplaced,
    KeyRevoked,
    KeyRole,
    OnePerson,
    PossessionNotShown,
    UnknownKey,
    WrongSigner,
)
from shared.timber.refusals.wood import AlreadySpent, BranchWood, WrongKind

__all__ = ["AlreadyDone", "AlreadySpent", "BalanceExceeded", "BranchWood", "CensusExceeded", "CertificateStatus", "DistrustLater", "GuideDates", "GuideFromFuture", "GuideRefused", "GuideTooLong", "GuideWithoutItems", "IdTaken", "KeyReplaced", "KeyRevoked", "KeyRole", "LineNotAuthorised", "LinesDiffer", "ListFromFuture", "LogEnded", "MovementEnded", "NeverDrawn", "NotCertifying", "NotClosed", "NotCrossCut", "NotIndependent", "NotOfPermit", "NotPublishing", "NotSupervising", "NotTheEnd", "NotYours", "OnOpenGuide", "OnePerson", "OpenFinding", "OutsideMovementWindow", "OwnFinding", "PermitNotInForce", "PermitStatus", "PossessionNotShown", "StatusStale", "TooMany", "UnknownKey", "UnknownOrganisation", "UnknownParent", "Unrelated", "WindowOrder", "WrongKind", "WrongSigner"]  # fmt: skip
