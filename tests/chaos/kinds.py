"""What can go wrong: every kind of fault, whom it may befall, how often and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    `targets` has whom it may befall, each with its weight in the draw: what takes long to recover comes less often.
    `seconds` is the range that its length is drawn from.
    """

    name: str
    targets: dict[str, int]
    seconds: tuple[float, float]
    quick: tuple[str, ...] = ()
    """The targets that a short run draws from; by default all."""
    told: tuple[str, ...] = ()
    """Whose absence the subscribers must tell."""
    told_after: float = 3.0
    """An absence that lasts so many seconds must be told."""


SERVERS: Final = {"subscriber": 5, "api": 3, "broker": 1, "connect": 1, "source": 1, "target": 2}
ROUTES: Final = {"api": 3, "target": 3, "broker": 3, "connect-source": 2, "connect-broker": 2}
_LIGHT: Final = ("subscriber", "api", "target")
_NEAR: Final = ("api", "target", "broker")
# a subscriber waits for these two's answers; a broker that is silent is one that has no rows
_ASKED: Final = ("api", "target")
# how long the faults that must be told last where each is tried alone
TOLD_SECONDS: Final = (4.5, 6.0)

KINDS: Final = (
    Kind("kill", SERVERS, (0.0, 2.0), _LIGHT, told=_NEAR),
    Kind("restart", SERVERS, (0.0, 1.0), _LIGHT, told=_NEAR),
    # a subscriber may be silent for longer than its session, and its partitions have another owner when it thaws
    Kind("freeze", {**SERVERS, "subscriber": 3, "broker": 2}, (0.5, 8.0), _LIGHT, told=_ASKED, told_after=4.0),
    Kind("stall", ROUTES, (0.5, 5.0), _NEAR, told=_ASKED, told_after=4.0),
    Kind("reset", ROUTES, (0.0, 1.0), _NEAR),
    Kind("cut", ROUTES, (0.3, 1.5), _NEAR),
    Kind("latency", ROUTES, (1.0, 4.0), _NEAR),
    Kind("429", {"api": 5}, (0.5, 3.0)),
    Kind("503", {"api": 5}, (0.5, 3.0)),
    Kind("slow-answers", {"api": 4}, (1.0, 4.0)),
    Kind("half-answers", {"api": 5}, (0.3, 2.0)),
    Kind("disk-full", {"target": 4}, (1.0, 4.0), told=("target",)),
    Kind("rebalance", {"subscriber": 4}, (1.0, 4.0)),
    Kind("bad-rows", {"source": 3}, (0.5, 2.0)),
    Kind("add-column", {"source": 2}, (0.5, 2.0)),
    Kind("drop-column", {"source": 2}, (0.5, 2.0)),
    Kind("rename-column", {"source": 2}, (0.5, 2.0)),
    Kind("widen-column", {"source": 2}, (0.5, 2.0)),
    Kind("clock", {"subscriber": 2, "api": 2}, (0.5, 4.0)),
)
# those of which a run must judge one at least; it begins with one of each, alone. A restart is told as a kill is
JUDGED: Final = ("kill", "freeze", "stall", "disk-full")
