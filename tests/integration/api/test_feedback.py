"""What the commands say of an archive, and what they learn from it, on a real store."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from api.archive.store import Store
from PIL import Image
from typer.testing import CliRunner

from api.feedback.cli import app
from api.images.labels import LABEL_TAG
from api.images.ports import ArchivedImage
from api.model import artifact
from api.training import digits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from api.training.digits import LabelledDigits

LEAST = 10


@dataclass(frozen=True)
class Production:
    """A test's own store and models, and images that were answered."""

    store: Store
    settings: dict[str, str]
    models_dir: Path

    def answered(self, number: int, cells: np.ndarray, answer: int, label: int | None, confidence: float) -> str:
        """Put an answered image to the archive, labelled or not; return its prediction's id."""
        prediction_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
        version = artifact.current_version(self.models_dir, digits.NAME)
        assert version is not None
        one = ArchivedImage(
            prediction_id, drawn(cells), "image/png", ".png", answer, confidence, datetime.now(UTC), version
        )
        tags = one.tags if label is None else one.tags | {LABEL_TAG: str(label)}
        self.store.put(one.object_key, one.data, one.content_type, tags)
        return prediction_id

    @property
    def served(self) -> str | None:
        return artifact.current_version(self.models_dir, digits.NAME)

    @property
    def environment(self) -> dict[str, str]:
        return self.settings | {"MODELS_DIR": str(self.models_dir), "API_URL": "http://127.0.0.1:8000"}

    def run(self, *arguments: str, status: int = 0) -> Result:
        """Run a verb to its end, which must be with this status."""
        done = CliRunner().invoke(app(), arguments, env=self.environment)
        assert done.exit_code == status, (done.stdout, done.stderr, done.exception)
        return done

    def json(self, *arguments: str, status: int = 0) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.run(*arguments, "--json", status=status).stdout)
        return found


def drawn(cells: np.ndarray) -> bytes:
    """A picture of a digit, of 64 cells of 0 to 16, as a PNG of 64 by 64 pixels."""
    picture = Image.fromarray((cells.reshape(8, 8) * 255 / 16).astype(np.uint8))
    file = io.BytesIO()
    picture.resize((64, 64), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


def turned(data: LabelledDigits, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Digits that lie on their side, and what they are."""
    for row, truth in zip(data.rows[:count], data.classes[:count], strict=True):
        yield np.rot90(row.reshape(8, 8)), int(truth)
