from collections.abc import Iterator
from contextlib import contextmanager

from api.archive.settings import ArchiveSettings
from api.archive.store import Store
from api.feedback.archive import THREADS
from api.feedback.errors import WrongSetting


@contextmanager
def opened() -> Iterator[Store]:
    """The archive of the settings, with a connection for each thread that reads it.

    Raises:
        WrongSetting: none is set.
        ValidationError: a setting is wrong.
    """
    settings = ArchiveSettings()
    if not settings.archive_endpoint:
        raise WrongSetting("ARCHIVE_ENDPOINT is not set: `make stack` prints the values")
    store = Store(settings.model_copy(update={"archive_workers": THREADS}))
    try:
        yield store
    finally:
        store.close()
