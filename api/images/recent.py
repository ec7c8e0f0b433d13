from collections import OrderedDict

LIMIT = 10_000


class RecentKeys:
    """Where the images of the newest predictions of this process are, before the database knows them."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._keys: OrderedDict[str, str] = OrderedDict()

    def add(self, prediction_id: str, object_key: str) -> None:
        """Know one more, and forget the oldest instead."""
        self._keys[prediction_id] = object_key
        while len(self._keys) > self._limit:
            self._keys.popitem(last=False)

    def find(self, prediction_id: str) -> str | None:
        """The object's key, None if the prediction is not among the newest."""
        return self._keys.get(prediction_id)
