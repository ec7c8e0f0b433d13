"""A candidate that has learnt from production, judged against the version that is served."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator

from api.feedback.comparison import Compared, Right, Verdict, compared, verdict
from api.feedback.models import loaded, served_version
from api.feedback.training_set import TrainingSet
from api.model import artifact, history
from api.model.description import Description
from api.model.model import Model
from api.training import digits
from api.training.digits import LabelledDigits


@dataclass(frozen=True)
class Candidate:
    """What was fitted to the digits and to production's images."""

    description: Description
    estimator: BaseEstimator

    @property
    def version(self) -> str:
        return self.description.version


@dataclass(frozen=True)
class Outcome:
    """How a candidate fared, and whether it is served now."""

    served_before: str
    candidate: str
    digits: Compared
    production: Compared
    verdict: Verdict
    installed: bool


def candidate(extra: LabelledDigits) -> Candidate:
    """Fit the model to the data set's training digits and to `extra`."""
    return Candidate(*digits.train(extra if len(extra.rows) else None))


def judge(models_dir: Path, one: Candidate, data: TrainingSet, least_rows: int, *, force: bool) -> Outcome:
    """Compare a candidate with the version that is served at this moment, and serve the better one.

    Nobody else serves another version meanwhile, so of two that retrain at once the second is compared with the first.

    Raises:
        WrongSetting: the served version or the folder is at fault; what is served stays.
    """
    _, held_out = digits.training_and_held_out()
    with history.serving(models_dir, digits.NAME):
        served = loaded(models_dir, served_version(models_dir))
        fitted = Model(one.description, one.estimator)
        on_digits, on_production = (
            compared(right(served, part), right(fitted, part)) for part in (held_out, data.held_out)
        )
        if one.version == served.description.version:
            found = Verdict(better=False, reason="nothing new: it is the version that is served")
        else:
            found = verdict(on_digits, on_production, least_rows)
        install = (found.better or force) and one.version != served.description.version
        if install:
            artifact.save(models_dir, one.description, one.estimator)
            reason = f"retrained; {found.reason}" if found.better else f"retrained, by force; {found.reason}"
            history.serve(models_dir, digits.NAME, one.version, reason, chosen=True)
    return Outcome(served.description.version, one.version, on_digits, on_production, found, install)


def right(model: Model, rows: LabelledDigits) -> Right:
    """Which rows a model has right, of shape [n]."""
    if not len(rows.rows):
        return np.zeros(0, dtype=np.bool_)
    answers = model.predict({f"pixel_{i}": rows.rows[:, i] for i in range(digits.PIXELS)})
    found: Right = answers[digits.CLASS] == rows.classes
    return found
