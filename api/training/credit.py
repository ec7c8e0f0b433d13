"""The credit model: how probable it is that an applicant does not pay back, from five features.

Data: `credit.csv`; `credit.md` beside it tells where it comes from.
"""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from api.credit.features import AGE, CATEGORIES, INSTALLMENT_RATE, NUMBERS
from api.model.categories import indices
from api.model.description import Band, CalibrationBin, Description, Feature, Metrics, Output, Reference
from api.model.outputs import OutputReader
from api.training.reference import category_counts, distribution
from api.training.versioned import versioned

NAME = "credit"
DATA = Path(__file__).with_name("credit.csv")
CLASS = "creditability"
GOOD, BAD = 0, 1
FEATURES = (
    Feature(INSTALLMENT_RATE, "INT64", "1 to 4: the instalment's share of the disposable income, in classes"),
    Feature(AGE, "INT64", "years"),
    *(Feature(name, "BYTES", categories=categories) for name, categories in CATEGORIES.items()),
)
DECLINE_FROM = 0.35
MEDIUM_RISK_FROM, HIGH_RISK_FROM = 0.25, 0.4
OUTPUTS = (
    Output("probability", "FP64", probability_of=BAD),
    Output("decision", "BYTES", probability_of=BAD, bands=(Band("ACCEPT", DECLINE_FROM), Band("DECLINE"))),
    Output(
        "risk_category",
        "BYTES",
        probability_of=BAD,
        bands=(Band("low_risk", MEDIUM_RISK_FROM), Band("medium_risk", HIGH_RISK_FROM), Band("high_risk")),
    ),
)
HELD_OUT_SHARE = 0.25
SPLIT_SEED = 42
FOLDS = 5
C = 1.0
CALIBRATION_BINS = 5

Rows = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


def read_applicants() -> tuple[Rows, Classes]:
    """All 1,000 applicants: features, shape [1000, 5], text as the index of its category, and 1 for a bad credit."""
    with DATA.open(encoding="utf-8", newline="") as file:
        applicants = list(csv.DictReader(file))
    columns = [
        indices(feature, [row[feature.name] for row in applicants])
        if feature.categories
        else np.array([float(row[feature.name]) for row in applicants])
        for feature in FEATURES
    ]
    classes = np.array([BAD if row[CLASS] == "bad" else GOOD for row in applicants], dtype=np.int64)
    return np.column_stack(columns), classes


def train() -> tuple[Description, CalibratedClassifierCV]:
    """Fit the model on a stratified 75 % of the rows, calibrated across folds of these, and measure it on the others.

    The outcome is the same each time, but for the `created` time; so is the version, a hash of everything else.
    """
    applicants, bad = read_applicants()
    rows, held_out, classes, truth = train_test_split(
        applicants, bad, test_size=HELD_OUT_SHARE, stratify=bad, random_state=SPLIT_SEED
    )
    model = CalibratedClassifierCV(_pipeline(), method="sigmoid", cv=FOLDS, ensemble=False).fit(rows, classes)
    description = Description(
        name=NAME,
        title="Probability that a credit is not paid back",
        platform="sklearn_skops",
        features=FEATURES,
        outputs=OUTPUTS,
        parameters={
            "C": C,
            "calibration_folds": FOLDS,
            "split_seed": SPLIT_SEED,
            "decline_from": DECLINE_FROM,
            "medium_risk_from": MEDIUM_RISK_FROM,
            "high_risk_from": HIGH_RISK_FROM,
        },
        metrics=_measure(truth, model.predict_proba(held_out)[:, BAD], len(rows)),
        reference=_reference(rows, classes, OutputReader(OUTPUTS, model)),
    )
    return versioned(description, model), model


def _pipeline() -> Pipeline:
    numbers, texts = slice(0, len(NUMBERS)), slice(len(NUMBERS), len(FEATURES))
    # every category has its place, be it in the rows or not: one that was never seen adds nothing to the score
    categories = [np.arange(len(categories), dtype=np.float64) for categories in CATEGORIES.values()]
    return make_pipeline(
        make_column_transformer(
            (StandardScaler(), numbers), (OneHotEncoder(categories=categories, sparse_output=False), texts)
        ),
        LogisticRegression(C=C),
    )


def _measure(truth: Classes, probability: Rows, training_rows: int) -> Metrics:
    """Compare probabilities of a bad credit with what came true, both of shape [n].

    The accuracy is of the decision: a bad credit should have been declined, a good one accepted.
    """
    declined = probability >= DECLINE_FROM
    return Metrics(
        training_rows=training_rows,
        held_out_rows=len(truth),
        accuracy=round(float(accuracy_score(truth, declined)), 6),
        scores={
            "roc_auc": round(float(roc_auc_score(truth, probability)), 6),
            "brier": round(float(brier_score_loss(truth, probability)), 6),
            "brier_of_base_rate": round(float(truth.mean() * (1 - truth.mean())), 6),
            "declined_share": round(float(declined.mean()), 6),
        },
        calibration=tuple(
            CalibrationBin(len(bin_), round(float(probability[bin_].mean()), 6), round(float(truth[bin_].mean()), 6))
            for bin_ in np.array_split(np.argsort(probability, kind="stable"), CALIBRATION_BINS)
        ),
    )


def _reference(rows: Rows, classes: Classes, reader: OutputReader) -> Reference:
    answers = reader.read(rows)
    return Reference(
        features={name: distribution(rows[:, i]) for i, name in enumerate(NUMBERS)},
        category_counts={
            name: category_counts([known[int(index)] for index in rows[:, len(NUMBERS) + i]], known)
            for i, (name, known) in enumerate(CATEGORIES.items())
        },
        class_counts={str(value): int((classes == value).sum()) for value in (GOOD, BAD)},
        outputs={"probability": distribution(answers["probability"])},
        output_counts={
            output.name: category_counts(answers[output.name].tolist(), [band.name for band in output.bands])
            for output in OUTPUTS
            if output.bands
        },
    )
