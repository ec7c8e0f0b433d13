"""Images on their way to the store: from a file each, by a few threads, as often as it takes.

`keep` writes the file, and what is in a file is lost by no outage and no crash. Each image is removed once the store
has it. What a process leaves is uploaded by the next; the key is the prediction's, so that nothing is there twice.
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry

from api.archive.errors import ObjectMissing, Refusal, SpoolDamaged, SpoolFailed, StoreAway, StoreRefused
from api.archive.kept import KeptObject
from api.archive.line import Line, Waiting
from api.archive.metrics import ArchiveMetrics
from api.archive.settings import ArchiveSettings
from api.archive.spool import Spool
from api.archive.store import Store
from api.images.ports import ArchivedImage

ADOPT_SECONDS = 10.0

log = structlog.get_logger()


def archiver_from_settings(settings: ArchiveSettings, registry: CollectorRegistry) -> "Archiver | None":
    """The archiver, not yet started; None where no ARCHIVE_ENDPOINT is set."""
    return Archiver(settings, registry) if settings.archive_endpoint else None


class Archiver:
    """Keeps images; every method may be called from any thread."""

    def __init__(self, settings: ArchiveSettings, registry: CollectorRegistry) -> None:
        self._settings = settings
        self.metrics = ArchiveMetrics(registry)
        self._store = Store(settings)
        self._spool = Spool(settings.archive_spool_dir, settings.archive_spool_max_bytes)
        self._line = Line()
        self._closing = threading.Event()
        self._store_complaint, self._spool_complaint = "", ""
        self._threads = [
            threading.Thread(target=self._work, name=f"archive-{number}", daemon=True)
            for number in range(settings.archive_workers)
        ]
        self._adopter = threading.Thread(target=self._adopt_for_ever, name="archive-spool", daemon=True)
        self.metrics.show(self._line)

    def start(self) -> None:
        """Begin to upload, first of all what earlier processes left."""
        self._adopt()
        for thread in (*self._threads, self._adopter):
            thread.start()

    def keep(self, image: ArchivedImage) -> None:
        """Take an image: into a file, or into memory when the folder takes no more; else it is lost, and counted."""
        try:
            self._take(KeptObject(image.object_key, image.data, image.content_type, image.tags, time.time()))
        except Exception:  # the request is answered: there is nobody to tell
            self.metrics.lost.labels("full").inc()
            log.exception("image lost", prediction_id=image.prediction_id)

    def fetch(self, object_key: str) -> bytes:
        """An object's content, be it in the store or on its way there; blocks.

        Raises:
            ObjectMissing: there is no such object.
            StoreAway: the store does not answer now.
        """
        kept = self._kept_here(object_key)
        if kept is not None:
            return kept.data
        try:
            return self._store.get(object_key)
        except (ObjectMissing, StoreAway) as error:
            if isinstance(error, StoreAway):
                self.metrics.failures.labels("fetch", error.kind).inc()
            other = self._spool.elsewhere(object_key)
            if other is not None:
                return other.data
            if isinstance(error, StoreAway):
                raise
        # between the two looks it may have been stored
        return self._store.get(object_key)

    def tag(self, object_key: str, tags: Mapping[str, str]) -> None:
        """Add to the tags of an object, be it in the store or on its way there; blocks.

        Raises:
            ObjectMissing: there is no such object.
            StoreAway: the store does not answer now, or another process is about to store the object.
        """
        one = self._line.claim(object_key, self._settings.archive_timeout_seconds)
        if one is not None:
            try:
                if self._tag_waiting(one, tags):
                    return
            finally:
                self._line.release(one)
        elif self._line.find(object_key) is not None:
            raise StoreAway(f"{object_key} is being stored", "timeout")
        try:
            self._store.add_tags(object_key, tags)
        except ObjectMissing:
            if self._spool.elsewhere(object_key) is not None:
                raise StoreAway(f"{object_key} waits in another process") from None
            raise
        except StoreAway as error:
            self.metrics.failures.labels("tag", error.kind).inc()
            raise

    def close(self) -> None:
        """Upload what waits, within `archive_drain_seconds`; the rest stays in the folder, for the next start.

        A second time does nothing.
        """
        if self._closing.is_set():
            return
        if self._closing.is_set():
            return
        self._closing.set()
        self._line.end()
        deadline = time.monotonic() + self._settings.archive_drain_seconds
        for thread in (self._adopter, *self._threads):
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        for one in self._line.in_memory():
            if not self._to_spool(one):
                self.metrics.lost.labels("end").inc()
                log.error("image lost at the end", object_key=one.key)
        left = self._line.count(in_memory=False)
        if left.images:
            log.info("images wait for the next start", images=left.images, folder=str(self._spool.folder))
        # a thread that still waits for the store keeps the folder locked until the process ends
        if not any(thread.is_alive() for thread in (self._adopter, *self._threads)):
            self._spool.close()
            self._store.close()

    def _take(self, kept: KeptObject) -> None:
        one = Waiting(kept.key, len(kept.data), kept.since, kept=kept)
        if not self._to_spool(one):
            in_memory = self._line.count(in_memory=True).bytes
            if in_memory + one.size > self._settings.archive_memory_max_bytes or self._closing.is_set():
                self.metrics.lost.labels("full").inc()
                log.error("image lost: no room in the folder nor in memory", object_key=one.key)
                return
        self._line.add(one)

    def _to_spool(self, one: Waiting) -> bool:
        """Write an image to its file, so that it need not be in memory; whether that went well."""
        kept = one.kept
        if kept is None:
            return True
        try:
            one.path, one.kept = self._spool.put(kept), None
        except SpoolFailed as error:
            self.metrics.spool_failures.labels(error.reason).inc()
            self._complain_of_spool(error)
            return False
        if self._spool_complaint:
            self._spool_complaint = ""
            log.info("the folder takes images again")
        return True

    def _work(self) -> None:
        while (one := self._line.take()) is not None:
            try:
                self._upload(one)
            except Exception:  # whatever it is, the next images are still to be kept
                log.exception("image could not be archived", object_key=one.key)
                self._line.failed(one, last=True)

    def _upload(self, one: Waiting) -> None:
        """Store one image that was taken, and give it back."""
        try:
            kept = one.kept or self._read(one)
            if kept is None:
                self._line.dropped(one)
                return
            self._put(one, kept)
        except StoreRefused as error:
            self._refused(one, error)
        except StoreAway as error:
            self._failed(one, error)
        except SpoolFailed as error:
            self._complain_of_spool(error)
            self._line.failed(one, last=True)
        else:
            self._stored(one)

    def _stored(self, one: Waiting) -> None:
        if one.path is not None:
            try:
                self._spool.remove(one.path)
            except SpoolFailed as error:
                self._complain_of_spool(error)
        self._line.stored(one)
        self.metrics.connected.set(1)
        if self._store_complaint:
            self._store_complaint = ""
            log.info("the archive takes images again")

    def _put(self, one: Waiting, kept: KeptObject) -> None:
        if one.tried and self._store.holds(kept.key, len(kept.data)):
            self._store.add_tags(kept.key, kept.tags)
            self.metrics.uploads.labels("found").inc()
            return
        began = time.monotonic()
        self._store.put(kept.key, kept.data, kept.content_type, kept.tags)
        self.metrics.upload_seconds.observe(time.monotonic() - began)
        self.metrics.uploads.labels("stored").inc()

    def _read(self, one: Waiting) -> KeptObject | None:
        """An image from its file; None if that is gone or damaged."""
        assert one.path is not None  # noqa: S101
        try:
            return self._spool.read(one.path)
        except FileNotFoundError:
            self.metrics.lost.labels("damaged").inc()
            log.error("image lost: its file is gone", file=str(one.path))
        except SpoolDamaged as error:
            self._set_aside(one.path, "damaged", error)
        return None

    def _set_aside(self, path: Path, why: str, error: Exception) -> None:
        self.metrics.lost.labels(why).inc()
        try:
            aside = self._spool.set_aside(path)
        except SpoolFailed as failed:
            self._complain_of_spool(failed)
            aside = path
        log.error("image set aside", file=str(aside), reason=str(error))

    def _refused(self, one: Waiting, error: StoreRefused) -> None:
        match error.refusal:
            case Refusal.OBJECT if one.path is not None:
                self.metrics.failures.labels("upload", error.kind).inc()
                self._set_aside(one.path, "refused", error)
                self._line.dropped(one)
            case Refusal.BUCKET | Refusal.CREDENTIALS if self._bucket_made():
                self._failed(one, error)
            case _:
                self._failed(one, error, last=True)

    def _bucket_made(self) -> bool:
        """Make the bucket if it is gone; whether it was."""
        try:
            made = self._store.make_missing_bucket()
        # why is told of the upload
        except (ObjectMissing, StoreAway):
            return False
        if made:
            log.warning("the bucket was gone, and is made anew", bucket=self._store.bucket)
        return made

    def _failed(self, one: Waiting, error: StoreAway, *, last: bool = False) -> None:
        one.tried = True
        self._to_spool(one)
        self.metrics.uploads.labels("failed").inc()
        self.metrics.failures.labels("upload", error.kind).inc()
        self.metrics.connected.set(0)
        # said once, not at every try
        if error.kind != self._store_complaint:
            self._store_complaint = error.kind
            settings = "; see to ARCHIVE_USER and ARCHIVE_PASSWORD" if error.kind == Refusal.CREDENTIALS else ""
            log.error(f"the archive does not take images: they wait{settings}", reason=str(error))
        self._line.failed(one, last=last)

    def _kept_here(self, key: str) -> KeptObject | None:
        one = self._line.find(key)
        if one is None:
            return None
        kept, path = one.kept, one.path
        if kept is not None or path is None:
            return kept
        try:
            return self._spool.read(path)
        # stored and removed meanwhile, or told of when it is uploaded
        except (FileNotFoundError, SpoolDamaged, SpoolFailed):
            return None

    def _tag_waiting(self, one: Waiting, tags: Mapping[str, str]) -> bool:
        """Add to the tags that an image will be stored with; False if it has no file any more."""
        kept = one.kept or self._kept_here(one.key)
        if kept is None:
            return False
        tagged = KeptObject(kept.key, kept.data, kept.content_type, {**kept.tags, **tags}, kept.since)
        if one.path is None:
            one.kept = tagged
            return True
        try:
            self._spool.replace(one.path, tagged)
        except SpoolFailed as error:
            self._complain_of_spool(error)
            raise StoreAway(f"{one.key} waits, and its file cannot be changed: {error}") from error
        return True

    def _adopt_for_ever(self) -> None:
        while not self._closing.wait(ADOPT_SECONDS):
            try:
                self._adopt()
            except Exception:  # the uploads go on without
                log.exception("images of an earlier process could not be taken over")

    def _adopt(self) -> None:
        """Take over what waits in the folders of processes that have ended."""
        try:
            found = self._spool.adopt()
        except SpoolFailed as error:
            self._complain_of_spool(error)
            return
        for one in found:
            self._line.add(Waiting(one.key, one.size, one.since, path=one.path, tried=True))
        if found:
            self.metrics.adopted.inc(len(found))
            log.info("images of an earlier process found", images=len(found))

    def _complain_of_spool(self, error: SpoolFailed) -> None:
        # said once, not at every image
        if error.reason != self._spool_complaint:
            self._spool_complaint = error.reason
            log.error("the folder takes no images, they wait in memory (ARCHIVE_SPOOL_*)", reason=str(error))
