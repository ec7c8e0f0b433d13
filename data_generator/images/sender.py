"""Sends images, and afterwards the truth about some of them."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import structlog

from data_generator.images.api import Answer, ImageApi
from data_generator.images.errands import Errands
from data_generator.images.shares import Shares
from data_generator.images.source import DigitImage
from data_generator.insistence import Listener
from data_generator.rows import Columns
from data_generator.sender import Request, Sender, Tally
from data_generator.writer import Outcome, Writer

EVENT_TABLE = "image_event"


@dataclass
class ImageTally(Tally):
    """What became of the images, and of what was done after their answers."""

    right: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    """By outcome: see `Errands.add`."""
    events: Counter[str] = field(default_factory=Counter)

    @property
    def failures(self) -> int:
        """How many images, labels and events the API did not take."""
        afterwards = self.labels + self.events
        return self.refused + afterwards.total() - afterwards["done"]


class ImageSender(Sender[DigitImage, ImageTally]):
    """The writer of a run whose batches are images."""

    def __init__(
        self,
        api: ImageApi,
        shares: Shares,
        *,
        events: Writer | None,
        pause: Callable[[float], bool],
        listener: Listener,
        seed: int | None = None,
    ) -> None:
        """Nothing connects before the first image, or `prepare`.

        Args:
            api: answers the images.
            shares: of the answers; which ones is drawn by chance.
            events: stores rows of EVENT_TABLE; needed if there are to be events.
            pause: waits so many seconds; False, at once, when the run is to stop.
            listener: hears when the API is away, and back.
            seed: draws the same ones each time.
        """
        super().__init__("an image", ImageTally(), pause, listener)
        self._api = api
        self._shares = shares
        self._events = events
        self._random = random.Random(seed)  # noqa: S311 - which images get a label, no secret depends on it
        self._errands = Errands()
        self._log = structlog.get_logger()

    def prepare(self) -> Outcome:
        """Make the table of the events, if there are to be any."""
        return self._events.prepare() if self._events else Outcome.STORED

    def finish(self) -> int:
        """Do what is still to be done after the last answers; how many of it a stop has left undone."""
        while self._errands and self._pause(self._errands.wait_seconds):
            self._errands.do()
        return len(self._errands)

    def _requests(self, image: DigitImage) -> Iterator[Request]:
        self._errands.do()
        yield partial(self._classify, image)

    def _classify(self, image: DigitImage) -> None:
        answer = self._api.classify(image)
        self.tally.right += answer.predicted_class == image.meant
        self._follow(image, answer)

    def _follow(self, image: DigitImage, answer: Answer) -> None:
        # drawn whether it is needed or not: the same seed labels the same images whatever the other share is
        labelled, told = self._random.random() < self._shares.labels, self._random.random() < self._shares.events
        if labelled:
            self._errands.add(
                lambda: self._api.label(answer.prediction_id, image.meant), self._counted("label", self.tally.labels)
            )
        if told and self._events is not None:
            row: Columns = [[answer.object_key(image)]]
            self._errands.add(lambda: self._tell(answer.prediction_id, row), self._counted("event", self.tally.events))

    def _tell(self, prediction_id: str, row: Columns) -> bool:
        """Write the row once the image is in the archive: a row must not name what is not there."""
        assert self._events is not None  # noqa: S101 - asked before it became an errand
        return self._api.archived(prediction_id) and self._events.write(row) is Outcome.STORED

    def _counted(self, what: str, counter: Counter[str]) -> Callable[[str], None]:
        def count(outcome: str) -> None:
            counter[outcome] += 1
            if outcome != "done":
                self._log.warning(f"a {what} was {outcome}")

        return count
