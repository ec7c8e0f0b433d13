"""How answers fared against their labels, one model version: functions of their input alone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from api.feedback.production import ProductionImage
from api.model.description import CalibrationBin
from api.training.digits import CLASSES

# of the normal distribution, for 95 %
Z = 1.959964
CONFIDENCE_BANDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Share:
    """A share from 0 to 1, and the interval in which it lies with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Band:
    """Images whose confidence lies from `low` to below `high` (in the last band 1 is included)."""

    low: float
    high: float
    images: int
    labelled: int
    confidence: float | None
    """Mean of the labelled ones."""
    accuracy: float | None
    """Of the labelled ones."""


@dataclass(frozen=True)
class Evaluation:
    """One version's answers. `confusion[truth][answer]` counts labelled images."""

    model_version: str
    images: int
    labelled: int
    correct: int
    accuracy: Share | None
    """Of the labelled images."""
    weighted: Share | None
    """Of all images, if those with labels stand for the others of their band."""
    confusion: tuple[tuple[int, ...], ...]
    bands: tuple[Band, ...]
    calibration_error: float | None
    """Of the labelled images, see `calibration_error`."""


def evaluations(images: Iterable[ProductionImage]) -> list[Evaluation]:
    """Each version's answers, the version of the newest image first."""
    of_version = groupby(sorted(images, key=lambda one: one.model_version), key=lambda one: one.model_version)
    groups = sorted((list(group) for _, group in of_version), key=_newest, reverse=True)
    return [evaluation(group) for group in groups]


def evaluation(images: Sequence[ProductionImage]) -> Evaluation:
    """The answers of one version, at least one."""
    labelled = [one for one in images if one.label is not None]
    correct = sum(one.correct for one in labelled)
    bands = tuple(_band(images, low, high) for low, high in pairwise(CONFIDENCE_BANDS))
    return Evaluation(
        model_version=images[0].model_version,
        images=len(images),
        labelled=len(labelled),
        correct=correct,
        accuracy=wilson(correct, len(labelled)) if labelled else None,
        weighted=weighted(bands),
        confusion=tuple(
            tuple(sum((one.label, one.predicted_class) == (truth, answer) for one in labelled) for answer in CLASSES)
            for truth in CLASSES
        ),
        bands=bands,
        calibration_error=calibration_error([(b.labelled, b.confidence, b.accuracy) for b in bands]),
    )


def wilson(correct: int, count: int) -> Share:
    """The share of `correct` among `count`, with E. B. Wilson's score interval (1927); `count` is at least 1."""
    share = correct / count
    centre = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count)) / (1 + Z * Z / count)
    return Share(share, max(0.0, centre - half), min(1.0, centre + half))


def weighted(bands: Sequence[Band]) -> Share | None:
    """The accuracy of all images: that of each band's labelled ones, weighted by all images of the band.

    Images are labelled by how unsure they are, so the labelled ones are not like all. None if a band has images and
    no label. The interval is that of a stratified sample (W. G. Cochran, *Sampling Techniques*, 1977), each band's
    variance taken from its share with one right and one wrong image added, so that few labels do not seem certain.
    """
    total = sum(band.images for band in bands)
    value = variance = 0.0
    for band in bands:
        if not band.images:
            continue
        if band.accuracy is None:
            return None
        weight = band.images / total
        value += weight * band.accuracy
        moved = (band.accuracy * band.labelled + 1) / (band.labelled + 2)
        # of a finite number of images: where all have labels nothing is uncertain
        unseen = (band.images - band.labelled) / band.images
        variance += weight * weight * moved * (1 - moved) / band.labelled * unseen
    half = Z * math.sqrt(variance)
    return Share(value, max(0.0, value - half), min(1.0, value + half)) if total else None


def calibration_error(bins: Iterable[tuple[int, float | None, float | None]]) -> float | None:
    """The expected calibration error: how far confidence and accuracy of a bin are apart, weighted by its rows.

    Each bin is (rows, mean confidence, accuracy); see M. P. Naeini et al., *Obtaining Well Calibrated Probabilities
    Using Bayesian Binning*, 2015. None without rows.
    """
    known = [(rows, said, right) for rows, said, right in bins if rows and said is not None and right is not None]
    total = sum(rows for rows, _, _ in known)
    return sum(rows * abs(said - right) for rows, said, right in known) / total if total else None


def held_out_error(calibration: Iterable[CalibrationBin]) -> float | None:
    """The same of the held-out rows that a model's description tells of."""
    return calibration_error([(one.rows, one.predicted, one.observed) for one in calibration])


def _band(images: Sequence[ProductionImage], low: float, high: float) -> Band:
    last = high == CONFIDENCE_BANDS[-1]
    own = [one for one in images if low <= one.confidence < high or (last and one.confidence == high)]
    labelled = [one for one in own if one.label is not None]
    if not labelled:
        return Band(low, high, len(own), 0, None, None)
    return Band(
        low,
        high,
        len(own),
        len(labelled),
        sum(one.confidence for one in labelled) / len(labelled),
        sum(one.correct for one in labelled) / len(labelled),
    )


def _newest(images: Sequence[ProductionImage]) -> str:
    return max(one.prediction_id for one in images)
