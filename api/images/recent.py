import threading
from collections import OrderedDict

LIMIT = 10_000


class RecentKeys:
    """Where the images of the newest predictions of this process are, before the database knows them."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._keys: OrderedDict[str, str] = OrderedDict()
        # answered, and not handed to the archive yet
        self._promised: set[str] = set()
        self._changed = threading.Condition()

    def add(self, prediction_id: str, object_key: str) -> None:
        """Know one more, which is about to be kept, and forget the oldest instead."""
        with self._changed:
            self._keys[prediction_id] = object_key
            self._promised.add(prediction_id)
            while len(self._keys) > self._limit:
                self._promised.discard(self._keys.popitem(last=False)[0])

    def kept(self, prediction_id: str) -> None:
        """The archive has been given it."""
        with self._changed:
            self._promised.discard(prediction_id)
            self._changed.notify_all()

    def find(self, prediction_id: str) -> str | None:
        """The object's key, None if the prediction is not among the newest."""
        return self._keys.get(prediction_id)

    def await_kept(self, prediction_id: str, timeout_seconds: float) -> bool:
        """Wait until the archive has been given it, unless it has been long since; whether it was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: prediction_id not in self._promised, timeout_seconds)
