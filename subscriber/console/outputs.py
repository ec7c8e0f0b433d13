"""What the model answers: class counts, or how values are distributed, and how often it is right."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, Final

from subscriber.console.excerpt import cut, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# of answers and truths; an output with more is none of classes
MOST_PAIRS: Final = 1000
SHOWN_CLASSES: Final = 12
# a text that is longer is no class
CLASS_CHARACTERS: Final = 80
RECENT_VALUES: Final = 2000
VALUES_A_BATCH: Final = 50
BINS: Final = 24

Pair = tuple[Any, Any]


class Output:
    """One output of the model over the last `seconds` ticks.

    Integers, booleans and short texts are classes, as long as there are few; other numbers are values, of which the
    newest 2,000 make the histogram (at most 50 a batch). Of lists and long texts only the length is told.
    """

    def __init__(self, name: str, seconds: int) -> None:
        self.name = name
        self._seconds = seconds
        self._kind = "none"
        self._many = False
        self._length = 0
        self._pending: Counter[Pair] = Counter()
        self._past: deque[Counter[Pair]] = deque()
        self._window: Counter[Pair] = Counter()
        self._values: deque[float] = deque(maxlen=RECENT_VALUES)
        self._error = (0, 0.0)
        self._errors: deque[tuple[int, float]] = deque(maxlen=seconds)

    def add(self, truths: Sequence[Any], answers: Sequence[Any]) -> None:
        """Take in answers and their truths, where known; a truth that is not is None."""
        self._kind = self._kind_of(answers)
        if self._kind == "classes":
            if len(self._pending) <= MOST_PAIRS:
                self._pending.update(zip(truths, answers, strict=True))
        elif self._kind == "values":
            self._values.extend(answers[:: -(-len(answers) // VALUES_A_BATCH)])
            count, total = self._error
            errors = [abs(t - a) for t, a in zip(truths, answers, strict=True) if isinstance(t, int | float)]
            finite = [e for e in errors if math.isfinite(e)]
            self._error = count + len(finite), total + math.fsum(finite)
        else:
            self._length = len(answers[-1])

    def tick(self) -> None:
        """A second is over: forget what is too old."""
        new, self._pending = self._pending, Counter()
        self._past.append(new)
        self._window.update(new)
        if len(self._past) > self._seconds:
            self._window -= self._past.popleft()
        if len(self._window) > MOST_PAIRS:
            self._many = True
            self._window.clear()
            self._past.clear()
        self._errors.append(self._error)
        self._error = (0, 0.0)

    def snapshot(self) -> dict[str, Any]:
        """The output as JSON-ready values."""
        about = {"name": self.name, "kind": self._kind}
        if self._kind == "classes":
            return about | self._classes()
        if self._kind == "values":
            known = sum(count for count, _ in self._errors)
            error = math.fsum(total for _, total in self._errors) / known if known else None
            return about | histogram(self._values) | {"known": known, "mean_absolute_error": error}
        return about | {"length": self._length}

    def _kind_of(self, answers: Sequence[Any]) -> str:
        types = set(map(type, answers))
        if types <= {int, bool, float}:
            # a server may write 2.0 as 2
            self._many = self._many or float in types
            return "values" if self._many else "classes"
        if types == {str}:
            return "texts" if self._many or any(len(a) > CLASS_CHARACTERS for a in answers) else "classes"
        return "lists" if hasattr(answers[-1], "__len__") else "none"

    def _classes(self) -> dict[str, Any]:
        counted: Counter[Any] = Counter()
        known: Counter[Any] = Counter()
        right: Counter[Any] = Counter()
        for (truth, answer), n in self._window.items():
            counted[answer] += n
            if truth is not None:
                known[answer] += n
                right[answer] += n * (truth == answer)
        common = counted.most_common(SHOWN_CLASSES)
        # by name: bars that change places every second cannot be read
        common.sort(key=lambda item: (isinstance(item[0], str), item[0]))
        return {
            "classes": [[_label(c), n, known[c], right[c]] for c, n in common],
            "counted": counted.total(),
            "others": counted.total() - sum(n for _, n in common),
            "known": known.total(),
            "right": right.total(),
        }


def histogram(values: Collection[float]) -> dict[str, Any]:
    """Bins of equal width from the 1st to the 99th percentile; what lies beyond is in the outermost bins.

    Returns `bins` (counts), `low` and `high` (their edges), `least`, `median`, `most` and `counted`, all of the finite
    values; without any, the numbers are None.
    """
    finite = sorted(v for v in values if math.isfinite(v))
    if not finite:
        return {"bins": [], "counted": 0} | dict.fromkeys(("low", "high", "least", "median", "most"))
    last = len(finite) - 1
    low, high = finite[last // 100], finite[last - last // 100]
    bins = [0] * (BINS if high > low else 1)
    for value in finite:
        place = (value - low) / (high - low) * BINS if high > low else 0
        bins[int(min(len(bins) - 1, max(0, place)))] += 1
    summary = {"least": finite[0], "median": finite[last // 2], "most": finite[-1], "counted": len(finite)}
    return {"bins": bins, "low": low, "high": high} | summary


def _label(answer: Any) -> str:
    return str(answer).lower() if isinstance(answer, bool) else cut(str(shown(answer)))
