"""Sends what the model API is to answer, and counts what becomes of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from data_generator.errors import RefusedError
from data_generator.insistence import Listener, insist
from data_generator.writer import Outcome

Sent = TypeVar("Sent")
T = TypeVar("T", bound="Tally")
Request = Callable[[], None]
"""Sends one request and takes its answer; raises AwayError or RefusedError."""


@dataclass
class Tally:
    """What became of the requests."""

    answered: int = 0
    refused: int = 0


class Sender(ABC, Generic[Sent, T]):
    """The writer of a run whose batches go to the model API."""

    def __init__(self, thing: str, tally: T, pause: Callable[[float], bool], listener: Listener) -> None:
        """Nothing connects before the first request.

        Args:
            thing: what is sent, as the log calls it: "an image".
            tally: counts.
            pause: waits so many seconds; False, at once, when the run is to stop.
            listener: hears when the API is away, and back.
        """
        self._thing = thing
        self._pause = pause
        self._listener = listener
        self.tally = tally

    def prepare(self) -> Outcome:
        """Make what must be there before the first batch: nothing."""
        return Outcome.STORED

    def write(self, batch: Sequence[Sent]) -> Outcome:
        """Have each answered, waiting for the API until it is back or the run is to stop.

        A request whose answer was lost is sent again, so the API may have answered it twice.

        Raises:
            SettingError, TableError: the API or the database refuses for good.
        """
        for sent in batch:
            for request in self._requests(sent):
                if not insist(lambda request=request: self._send(request), self._pause, self._listener):  # type: ignore[misc]
                    return Outcome.NOT_STORED
        return Outcome.STORED

    @abstractmethod
    def _requests(self, sent: Sent, /) -> Iterable[Request]:
        """What is to be asked about one of a batch, each once the one before is answered or refused."""

    def _send(self, request: Request) -> None:
        try:
            request()
        except RefusedError as error:
            self.tally.refused += 1
            structlog.get_logger().warning(f"{self._thing} was refused", answer=str(error))
        else:
            self.tally.answered += 1
