"""An archive's server of a test module's own, which a test may stop, and production's images in it."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from api.archive.settings import ArchiveSettings
from api.archive.store import Store
from api.images.labels import LABEL_TAG
from api.images.ports import ArchivedImage
from stack import seaweedfs
from stack.process import listening
from stack.seaweedfs import INNER_PORTS, SeaweedFS
from tests.images import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

PORTS = range(23_000, 24_900, 10)


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
def archive_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """Give a running server with an empty bucket."""
    # spread by process id, so that two runs on one machine rarely try the same ports
    first = os.getpid() % len(PORTS)
    port = next(port for port in (*PORTS[first:], *PORTS[:first]) if free(port))
    account = seaweedfs.Store(port, "production", "us-east-1", "archiveuser", "archivepassword")
    server = SeaweedFS(account, tmp_path_factory.mktemp("archive"), {})
    server.prepare()
    server.restart()
    account.set_up()
    environment = {
        "ARCHIVE_ENDPOINT": f"http://127.0.0.1:{account.port}",
        "ARCHIVE_BUCKET": account.bucket,
        "ARCHIVE_REGION": account.region,
        "ARCHIVE_USER": account.user,
        "ARCHIVE_PASSWORD": account.password,
    }
    settings = ArchiveSettings.model_validate({name.lower(): value for name, value in environment.items()})
    store = Store(settings)
    try:
        yield Archive(server, environment, store)
    finally:
        store.close()
        server.stop()


def free(port: int) -> bool:
    """Whether nobody uses this port, nor those that the server has above it."""
    return not any(map(listening, (port, *(port + above for above in INNER_PORTS.values()))))


@pytest.fixture
def archive(archive_server: Archive) -> Archive:
    """Give the module's server, running, with an empty bucket."""
    if not archive_server.server.running:
        archive_server.server.restart()
    archive_server.empty()
    return archive_server
