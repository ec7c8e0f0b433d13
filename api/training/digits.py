"""The digits model: which digit a picture of 8 by 8 cells shows, and how sure that is.

Data: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", 1998, as shipped with scikit-learn.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from api.model.description import (
    CalibrationBin,
    ClassMetrics,
    Description,
    Feature,
    Metrics,
    ModelClass,
    Output,
    Reference,
)
from api.model.outputs import OutputReader
from api.training.reference import category_counts, class_counts, distribution
from api.training.versioned import versioned

NAME = "digits"
PIXELS = 64
CLASSES = tuple(range(10))
FEATURES = tuple(Feature(f"pixel_{i}", "FP64", "0 to 16: ink in the cell") for i in range(PIXELS))
CLASS, CONFIDENCE = "predicted_class", "confidence"
OUTPUTS = (
    Output(CLASS, "INT64", tuple(ModelClass(value, str(value)) for value in CLASSES)),
    Output(CONFIDENCE, "FP64", greatest_probability=True),
)
HELD_OUT_SHARE = 0.25
SPLIT_SEED = 42
FOLDS = 5
C, GAMMA = 10.0, 0.001
CALIBRATION_BINS = 5

Rows = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledDigits:
    """Digits and what they truly are: `rows` of shape [n, 64], each cell 0 to 16, and `classes` of shape [n]."""

    rows: Rows
    classes: Classes


def training_and_held_out() -> tuple[LabelledDigits, LabelledDigits]:
    """The data set's 1,797 digits in two, always the same: three quarters to fit, a quarter to measure on."""
    data = load_digits()
    rows, held_out, classes, truth = train_test_split(
        data.data, data.target, test_size=HELD_OUT_SHARE, stratify=data.target, random_state=SPLIT_SEED
    )
    return LabelledDigits(rows, classes), LabelledDigits(held_out, truth)


def train(extra: LabelledDigits | None = None) -> tuple[Description, CalibratedClassifierCV]:
    """Fit the model on the training digits and on `extra`, calibrated across folds, and measure it on the held-out.

    The outcome is the same each time, but for the `created` time; so is the version, a hash of everything else.
    """
    digits, held_out = training_and_held_out()
    count = 0 if extra is None else len(extra.rows)
    if extra is not None:
        digits = LabelledDigits(
            np.concatenate([digits.rows, extra.rows]), np.concatenate([digits.classes, extra.classes])
        )
    model = CalibratedClassifierCV(SVC(C=C, gamma=GAMMA), method="sigmoid", cv=FOLDS, ensemble=False)
    model.fit(digits.rows, digits.classes)
    description = Description(
        name=NAME,
        title="Digit in a picture of 8 by 8 cells",
        platform="sklearn_skops",
        features=FEATURES,
        outputs=OUTPUTS,
        parameters={
            "kernel": "rbf",
            "C": C,
            "gamma": GAMMA,
            "calibration_folds": FOLDS,
            "split_seed": SPLIT_SEED,
            "extra_rows": count,
        },
        metrics=_measure(model, held_out, len(digits.rows)),
        reference=_reference(digits, OutputReader(OUTPUTS, model)),
    )
    return versioned(description, model), model


def _measure(model: CalibratedClassifierCV, held_out: LabelledDigits, training_rows: int) -> Metrics:
    probabilities = model.predict_proba(held_out.rows)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    truth = held_out.classes
    by_class = precision_recall_fscore_support(truth, predicted, labels=CLASSES, zero_division=0)
    return Metrics(
        training_rows=training_rows,
        held_out_rows=len(truth),
        accuracy=round(float(accuracy_score(truth, predicted)), 6),
        by_class={
            str(value): ClassMetrics(
                rows=int(rows), precision=round(float(p), 6), recall=round(float(r), 6), f1=round(float(f1), 6)
            )
            for value, p, r, f1, rows in zip(CLASSES, *by_class, strict=True)
        },
        scores={
            "log_loss": round(float(log_loss(truth, probabilities)), 6),
            "mean_confidence": round(float(confidence.mean()), 6),
        },
        calibration=tuple(
            CalibrationBin(
                len(bin_),
                round(float(confidence[bin_].mean()), 6),
                round(float((predicted == truth)[bin_].mean()), 6),
            )
            for bin_ in np.array_split(np.argsort(confidence, kind="stable"), CALIBRATION_BINS)
        ),
    )


def _reference(digits: LabelledDigits, reader: OutputReader) -> Reference:
    answers = reader.read(digits.rows)
    return Reference(
        features={feature.name: distribution(digits.rows[:, i]) for i, feature in enumerate(FEATURES)},
        class_counts=class_counts(digits.classes),
        outputs={CONFIDENCE: distribution(answers[CONFIDENCE])},
        output_counts={CLASS: category_counts([str(c) for c in answers[CLASS]], [str(c) for c in CLASSES])},
    )
