"""Which faults, when and for how long: a pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.kinds import JUDGED, KINDS, TOLD_SECONDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

# how many faults meet in a round, each as often as it stands here
TOGETHER: Final = (1, 1, 2, 2, 3, 4)
# within so many seconds they begin
SPREAD_SECONDS: Final = 2.0
# subscriber 0 is frozen and cut off, but never ended: its counters span the whole run
MORTAL: Final = (1, 2)
IMMORTAL_KINDS: Final = ("freeze", "clock")
CLOCK_JUMPS: Final = (-86_400.0, -3600.0, -30.0, 30.0, 3600.0, 86_400.0)


@dataclass(frozen=True)
class Fault:
    """One fault: `after` seconds from its round's beginning it begins, and it lasts `seconds`.

    `amount` is what else its kind needs: a clock's jump in seconds, a connection's latency, a share of rows.
    """

    number: int
    round: int
    kind: str
    target: str
    after: float
    seconds: float
    amount: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.number:4} round {self.round:3} +{self.after:.2f} s {self.kind} {self.target} {self.seconds:.2f} s"
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def plan(seed: int, count: int) -> list[Fault]:
    """So many faults; those of a shorter plan of the same seed come first in a longer one.

    Those whose absence must be told come first, each alone and for long enough that it must show. Then every other
    kind comes once, befalling who recovers quickly, before any comes again.
    """
    chance = random.Random(seed)  # noqa: S311 (to be repeated, not to be secret)
    faults = list(_told(chance))
    kinds = _kinds(chance)
    round_ = len(faults)
    while len(faults) < count:
        for _ in range(chance.choice(TOGETHER)):
            kind, target = next(kinds)
            after = round(chance.uniform(0, SPREAD_SECONDS), 2)
            seconds = round(chance.uniform(*kind.seconds), 2)
            number = _number(chance, kind.name, target)
            faults.append(Fault(len(faults), round_, kind.name, number, after, seconds, _amount(chance, kind.name)))
        round_ += 1
    return faults[:count]


def rounds(faults: list[Fault]) -> Iterator[list[Fault]]:
    """The faults of each round."""
    for number in range(faults[-1].round + 1 if faults else 0):
        yield [fault for fault in faults if fault.round == number]


def _told(chance: random.Random) -> Iterator[Fault]:
    kinds = [kind for kind in KINDS if kind.name in JUDGED]
    for number, kind in enumerate(chance.sample(kinds, len(kinds))):
        target = chance.choice([target for target in kind.quick or tuple(kind.targets) if target in kind.told])
        yield Fault(number, number, kind.name, target, 0.0, round(chance.uniform(*TOLD_SECONDS), 2))


def _kinds(chance: random.Random) -> Iterator[tuple[Kind, str]]:
    others = [kind for kind in KINDS if kind.name not in JUDGED]
    for kind in chance.sample(others, len(others)):
        yield kind, chance.choice(kind.quick or tuple(kind.targets))
    choices = [(kind, target) for kind in KINDS for target in kind.targets]
    weights = [kind.targets[target] for kind, target in choices]
    while True:
        yield chance.choices(choices, weights)[0]


def _number(chance: random.Random, kind: str, target: str) -> str:
    """The target, a subscriber with its number."""
    if target != "subscriber" or kind == "rebalance":
        return target
    return f"subscriber-{chance.choice((0, *MORTAL) if kind in IMMORTAL_KINDS else MORTAL)}"


def _amount(chance: random.Random, kind: str) -> float:
    match kind:
        case "clock":
            return chance.choice(CLOCK_JUMPS)
        case "latency":
            return round(chance.uniform(0.02, 0.2), 3)
        case "slow-answers":
            return round(chance.uniform(0.2, 2.0), 2)
        case "bad-rows":
            return 0.5
        case _:
            return 0.0
