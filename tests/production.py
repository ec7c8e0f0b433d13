"""Answered images in an archive that is a test's alone while it runs, and which it may stop."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from api.archive.store import Store
from api.images.labels import LABEL_TAG
from api.images.ports import ArchivedImage
from tests.archiving import environment_for, settings_for, spooled
from tests.images import encoded, picture
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.seaweedfs import SeaweedFS


@dataclass(frozen=True)
class Archive:
    """The server, and the settings by which ours reach it."""

    server: SeaweedFS
    environment: dict[str, str]
    store: Store

    def put(self, cells: Any, answer: int, label: int | None, *, confidence: float, version: str, name: object) -> str:
        """Archive an answered image of a digit's 64 cells; return its prediction's id, which the name decides."""
        prediction_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(name)))
        image = ArchivedImage(
            prediction_id, encoded(picture(cells)), "image/png", ".png", answer, confidence, datetime.now(UTC), version
        )
        tags = image.tags if label is None else image.tags | {LABEL_TAG: str(label)}
        self.store.put(image.object_key, image.data, image.content_type, tags)
        return prediction_id

    def empty(self) -> None:
        """Remove every object."""
        client = self.server.store.client()
        for key, _ in list(self.store.objects()):
            client.delete_object(Bucket=self.store.bucket, Key=key)
        client.close()


@pytest.fixture(scope="module")
def production_archive(module_archive: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Give the archive of the file's tests; each begins with `archive`."""
    spool_dir = tmp_path_factory.mktemp("spool")
    environment = environment_for(module_archive.store, spool_dir, ARCHIVE_TIMEOUT_SECONDS="2")
    store = Store(settings_for(module_archive.store, spool_dir))
    yield Archive(module_archive, environment, store)
    store.close()


@pytest.fixture
def archive(production_archive: Archive) -> Archive:
    """Give the archive, running, with nothing in it and nothing on its way."""
    if not production_archive.server.running:
        production_archive.server.restart()
    wait_until("nothing waits", lambda: not spooled(Path(production_archive.environment["ARCHIVE_SPOOL_DIR"])), 60)
    production_archive.empty()
    return production_archive
