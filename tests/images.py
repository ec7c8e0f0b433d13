"""Images of digits, and a folder as their archive."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import uvicorn
from PIL import Image

from api.app import create_app
from api.archive.errors import ObjectMissing, StoreAway
from api.images.answers import ImageAnswers
from api.images.settings import ImageSettings
from api.metrics import Metrics
from api.model import artifact
from api.model.registry import Registry
from api.server import listen
from api.service import Service
from api.settings import Settings
from api.training import digits
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from api.images.ports import ArchivedImage, RecordedImage


def picture(row: Any, side: int = 80, how: Image.Resampling = Image.Resampling.NEAREST) -> Image.Image:
    """A digit of the data set, of shape [64], bright on dark in a square of this side."""
    small = Image.fromarray((np.asarray(row).reshape(8, 8) * 255 / 16).round().astype(np.uint8))
    return small.resize((side, side), how)


def encoded(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


class FolderArchive:
    """Keeps images in a folder as a store keeps objects, once it `may_keep`; while `away` nothing is fetched."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.away = False
        self.may_keep = threading.Event()
        self.may_keep.set()
        self.kept: list[ArchivedImage] = []
        self.fetching = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def keep(self, image: ArchivedImage) -> None:
        assert self.may_keep.wait(20)
        self.put(image.object_key, image.data)
        self.kept.append(image)

    def put(self, object_key: str, data: bytes) -> None:
        path = self._folder / object_key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def fetch(self, object_key: str, max_bytes: int | None = None) -> bytes:
        with self._lock:
            self.fetching += 1
            self.most_at_once = max(self.most_at_once, self.fetching)
        try:
            if self.away:
                raise StoreAway("the folder is away")
            content = (self._folder / object_key).read_bytes()
            return content if max_bytes is None else content[: max_bytes + 1]
        except (FileNotFoundError, IsADirectoryError) as error:
            raise ObjectMissing(object_key) from error
        finally:
            with self._lock:
                self.fetching -= 1

    def tag(self, object_key: str, tags: Mapping[str, str]) -> None:
        raise NotImplementedError


class ListRecorder:
    """Keeps what is recorded in a list."""

    def __init__(self) -> None:
        self.recorded: list[RecordedImage] = []

    def record_image(self, image: RecordedImage) -> None:
        self.recorded.append(image)


class ImageApi:
    """The API with the digits model, its images in a folder and what is recorded in a list; served by a thread."""

    def __init__(self, folder: Path, models_dir: Path, *, archived: bool = True, **settings: Any) -> None:
        self.archive = FolderArchive(folder / "archive")
        self.recorder = ListRecorder()
        service = Service(Settings(models_dir=models_dir, model_refresh_seconds=0.2), Registry(models_dir), Metrics())
        service.refresh()
        archive = self.archive if archived else None
        answers = ImageAnswers(service, ImageSettings(**settings), archive, self.recorder)
        listener = listen("127.0.0.1", 0)
        self.url = "http://127.0.0.1:{1}".format(*listener.getsockname())
        self._server = uvicorn.Server(uvicorn.Config(create_app(service, image_answers=answers), log_config=None))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        wait_until("the API serves", lambda: self._server.started)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


def digits_models(folder: Path) -> Path:
    """A folder with the trained digits model."""
    description, model = digits.train()
    artifact.save(folder, description, model)
    artifact.serve_version(folder, description.name, description.version)
    return folder
