import json
from dataclasses import asdict
from typing import Any

import typer

from api.errors import ModelError
from api.feedback.archive import read
from api.feedback.commands.exits import Json, explained
from api.feedback.commands.store import opened
from api.feedback.errors import NothingFound
from api.feedback.evaluation import Evaluation, evaluations, held_out_error
from api.feedback.progress import Bars
from api.feedback.report import lines
from api.model import artifact
from api.model.description import Metrics
from api.settings import Settings
from api.training.digits import NAME


def evaluate(as_json: Json = False) -> None:
    """Judge what was answered in production by its labels, each model version, and against its test set.

    Exit status 1 if no image has a label.
    """
    with explained(), opened() as store:
        found = read(store, Bars())
        each = [(one, tested(one.model_version)) for one in evaluations(found.images)]
        if as_json:
            typer.echo(json.dumps({"versions": [document(*one) for one in each], "other_objects": found.others}))
        else:
            for one in each:
                typer.echo("\n".join(lines(*one)))
            if found.others:
                typer.echo(f"{found.others} objects of the archive are not answered images, and were left out")
        if not any(one.labelled for one, _ in each):
            images = sum(one.images for one, _ in each)
            raise NothingFound(f"none of {images} images has a label: PUT /images/{{prediction_id}}/label")


def tested(version: str) -> Metrics | None:
    """How a version fared on its held-out digits; None if it is not stored here."""
    if not artifact.SEGMENT.fullmatch(version):
        return None
    try:
        return artifact.load(Settings().models_dir, NAME, version).description.metrics
    except ModelError:
        return None


def document(one: Evaluation, test: Metrics | None) -> dict[str, Any]:
    """The JSON of one version."""
    return asdict(one) | {
        "test": test
        and {
            "rows": test.held_out_rows,
            "accuracy": test.accuracy,
            "calibration_error": held_out_error(test.calibration),
            "calibration": [
                {"rows": bin_.rows, "confidence": bin_.predicted, "accuracy": bin_.observed}
                for bin_ in test.calibration
            ],
        }
    }
