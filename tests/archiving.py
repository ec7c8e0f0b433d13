"""Images to archive, what the store has of them, and an archiver in a process of its own.

`python -m tests.archiving COUNT` keeps so many images, says the key of each once it is kept, and stays.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from api.archive.archiver import Archiver
from api.archive.settings import ArchiveSettings
from api.images.ports import ArchivedImage
from api.logs import configure_logging
from stack.settings import ROOT
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stack.seaweedfs import Store

KINDS = (("image/png", ".png"), ("image/jpeg", ".jpg"), ("image/webp", ".webp"))
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def image(number: int = 0, size: int | None = None) -> ArchivedImage:
    """One image that was answered, of one of the three kinds; an archive does not look inside."""
    chance = random.Random(number)  # noqa: S311
    content_type, extension = KINDS[number % 3]
    return ArchivedImage(
        prediction_id=str(uuid.uuid4()),
        data=SIGNATURE + chance.randbytes(size or chance.randint(200, 4000)),
        content_type=content_type,
        extension=extension,
        predicted_class=number % 10,
        confidence=chance.random(),
        timestamp=datetime.now(UTC),
        model_version="0123456789ab",
    )


def images(count: int) -> list[ArchivedImage]:
    return [image(number) for number in range(count)]


@dataclass(frozen=True)
class Stored:
    """An object as any S3 client sees it."""

    key: str
    data: bytes
    content_type: str
    tags: dict[str, str]


class Bucket:
    """A look behind the archiver, by a client of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.client = store.client()

    def keys(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.store.bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", ())]

    def object(self, key: str) -> Stored:
        found = self.client.get_object(Bucket=self.store.bucket, Key=key)
        tags = self.client.get_object_tagging(Bucket=self.store.bucket, Key=key)["TagSet"]
        return Stored(key, found["Body"].read(), found["ContentType"], {tag["Key"]: tag["Value"] for tag in tags})

    def has(self, wanted: Iterable[str]) -> bool:
        """Whether all of these keys are there."""
        return set(wanted) <= set(self.keys())


class Archiving:
    """An archiver with its counts, on a store and a folder of the test's."""

    def __init__(self, store: Store, folder: Path, **settings: object) -> None:
        self.registry = CollectorRegistry()
        self.archiver = Archiver(settings_for(store, folder, **settings), self.registry)

    def keep(self, kept: Iterable[ArchivedImage]) -> None:
        for one in kept:
            self.archiver.keep(one)

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"api_archive_{name}", labels) or 0.0

    def waiting(self) -> float:
        return self.count("waiting", place="spool") + self.count("waiting", place="memory")

    def wait_for_empty(self) -> None:
        wait_until("nothing waits", lambda: not self.waiting())


def environment_for(store: Store, folder: Path, **more: str) -> dict[str, str]:
    """The variables of an archiver on this store."""
    return {
        "ARCHIVE_ENDPOINT": f"http://127.0.0.1:{store.port}",
        "ARCHIVE_BUCKET": store.bucket,
        "ARCHIVE_REGION": store.region,
        "ARCHIVE_USER": store.user,
        "ARCHIVE_PASSWORD": store.password,
        "ARCHIVE_SPOOL_DIR": str(folder),
        **more,
    }


def settings_for(store: Store, folder: Path, **values: object) -> ArchiveSettings:
    """Settings of an archiver on this store, however the environment is."""
    given = {name.lower(): value for name, value in environment_for(store, folder).items()}
    return ArchiveSettings.model_validate(given | values)


def spooled(folder: Path) -> list[Path]:
    """The files that wait in a folder."""
    return sorted(folder.glob("*/*.object"))


class ArchiverProcess:
    """An archiver in a process of its own."""

    def __init__(self, store: Store, folder: Path, count: int, **more: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "tests.archiving", str(count)],
            cwd=ROOT,
            env={**os.environ, **environment_for(store, folder, **more)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def kept(self, count: int) -> list[str]:
        """Wait until it has kept so many more images; their keys."""
        assert self.process.stdout is not None
        keys = [self.process.stdout.readline().strip() for _ in range(count)]
        assert all(keys), "the process has ended"
        return keys

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def main() -> None:
    """Keep images, and stay until told to leave."""
    configure_logging("info")
    archiver = Archiver(ArchiveSettings(), CollectorRegistry())
    archiver.start()
    for number in range(int(sys.argv[1])):
        one = image(number)
        archiver.keep(one)
        print(one.object_key, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    archiver.close()


if __name__ == "__main__":
    main()
