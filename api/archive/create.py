"""`python -m api.archive.create`: make the bucket of the images, unless it is there."""

import sys
import time

import structlog
from pydantic import ValidationError

from api.archive.errors import ArchiveError, StoreAway, StoreRefused
from api.archive.policy import retry_delay
from api.archive.settings import ArchiveSettings
from api.archive.store import Store
from api.logs import configure_logging, log_wrong_settings

PATIENCE_SECONDS = 60.0

log = structlog.get_logger()


def create(store: Store, patience_seconds: float = PATIENCE_SECONDS) -> bool:
    """Make the bucket; whether it was not there before. A store that is not there yet is waited for.

    Raises:
        ArchiveError: the store does not come within that time, or will not.
    """
    end, failures = time.monotonic() + patience_seconds, 0
    while True:
        try:
            return store.create_bucket()
        except StoreRefused:
            raise
        except StoreAway as error:
            if not failures:
                log.warning(f"{error}: waiting up to {patience_seconds:g} s for the store")
            failures += 1
            pause = retry_delay(failures, 1.0)
            if time.monotonic() + pause > end:
                raise
            time.sleep(pause)


def main() -> int:
    """Make the bucket that the settings name; return the exit status."""
    configure_logging("info")
    try:
        settings = ArchiveSettings()
    except ValidationError as error:
        log_wrong_settings(error)
        return 1
    if not settings.archive_endpoint:
        log.error("ARCHIVE_ENDPOINT is not set: it says where the store is")
        return 1
    store = Store(settings)
    try:
        new = create(store)
    except ArchiveError as error:
        log.error(str(error), endpoint=settings.archive_endpoint)
        return 1
    finally:
        store.close()
    log.info("bucket made" if new else "bucket is there", bucket=settings.archive_bucket)
    return 0


if __name__ == "__main__":
    sys.exit(main())
