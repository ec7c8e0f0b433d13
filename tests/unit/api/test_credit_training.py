"""The credit model: its data, its probabilities, and what it tells of itself."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV

from api.credit.features import CATEGORIES
from api.model import artifact
from api.model.description import Description
from api.model.fingerprint import fingerprint
from api.model.model import Model
from api.training import credit


@pytest.fixture(scope="module")
def fitted() -> tuple[Description, CalibratedClassifierCV]:
    return credit.train()


@pytest.fixture(scope="module")
def stored(fitted: tuple[Description, CalibratedClassifierCV], tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("models")
    artifact.save(folder, *fitted)
    return artifact.load(folder, "credit", fitted[0].version)


def _columns(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {feature.name: rows[:, i] for i, feature in enumerate(credit.FEATURES)}


def test_the_data_are_the_1000_applicants_of_the_source() -> None:
    rows, classes = credit.read_applicants()
    assert rows.shape == (1000, 5)
    assert Counter(classes.tolist()) == {credit.GOOD: 700, credit.BAD: 300}
    # the counts of attribute 9 in the repository's german.doc
    assert Counter(rows[:, 4].astype(int).tolist()) == {0: 50, 1: 310, 2: 548, 3: 92}
    assert (rows[:, 1].min(), rows[:, 1].max()) == (19, 75)


def test_training_again_gives_the_same_version(fitted: tuple[Description, CalibratedClassifierCV]) -> None:
    again, model = credit.train()
    assert again.version == fitted[0].version
    assert fingerprint(model) == fingerprint(fitted[1])


def test_the_stored_model_gives_every_row_each_output(stored: Model) -> None:
    rows, _ = credit.read_applicants()
    answers = stored.predict(_columns(rows))

    assert {name: array.shape for name, array in answers.items()} == {
        "probability": (1000,),
        "decision": (1000,),
        "risk_category": (1000,),
    }
    probability = answers["probability"]
    assert ((probability > 0) & (probability < 1)).all()
    declined = answers["decision"] == "DECLINE"
    assert (declined == (probability >= credit.DECLINE_FROM)).all()
    assert set(answers["risk_category"].tolist()) == {"low_risk", "medium_risk", "high_risk"}
    assert ((answers["risk_category"] == "low_risk") == (probability < credit.MEDIUM_RISK_FROM)).all()
    assert all(type(text) is str for text in answers["decision"].tolist())


def test_its_probabilities_are_calibrated_and_better_than_the_base_rate(
    fitted: tuple[Description, CalibratedClassifierCV],
) -> None:
    metrics = fitted[0].metrics
    assert metrics.scores["roc_auc"] > 0.55
    assert metrics.scores["brier"] < metrics.scores["brier_of_base_rate"]
    assert sum(bin_.rows for bin_ in metrics.calibration) == metrics.held_out_rows
    predicted = [bin_.predicted for bin_ in metrics.calibration]
    assert predicted == sorted(predicted)
    # a bin of 50 rows: its standard error is 0.07
    assert all(abs(bin_.predicted - bin_.observed) < 0.15 for bin_ in metrics.calibration)


def test_the_reference_counts_every_training_row_once(fitted: tuple[Description, CalibratedClassifierCV]) -> None:
    description, _ = fitted
    rows = description.metrics.training_rows
    reference = description.reference
    counted = [*reference.category_counts.values(), reference.class_counts, *reference.output_counts.values()]
    assert [sum(counts.values()) for counts in counted] == [rows] * len(counted)
    binned = [*reference.features.values(), *reference.outputs.values()]
    assert [sum(distribution.counts) for distribution in binned] == [rows] * len(binned)
    assert {name: tuple(counts) for name, counts in reference.category_counts.items()} == CATEGORIES
    assert reference.category_counts["personal_status_and_sex"]["female : single"] == 0


def test_a_category_that_training_never_saw_is_scored(stored: Model) -> None:
    rows, _ = credit.read_applicants()
    row = rows[:1].copy()
    row[0, 4] = CATEGORIES["personal_status_and_sex"].index("female : single")
    assert 0 < stored.predict(_columns(row))["probability"][0] < 1


def test_the_generators_applicants_are_these() -> None:
    other = Path(credit.DATA).parents[2] / "data_generator" / "credit.csv"
    assert other.read_bytes() == credit.DATA.read_bytes()


def test_the_models_card_has_its_figures(fitted: tuple[Description, CalibratedClassifierCV]) -> None:
    card = (Path(credit.DATA).parents[2] / "docs" / "credit.md").read_text()
    metrics = fitted[0].metrics
    assert f"| area under the ROC curve | {metrics.scores['roc_auc']:.3f} |" in card
    assert f"| Brier score | {metrics.scores['brier']:.3f} | {metrics.scores['brier_of_base_rate']:.3f} for" in card
    assert f"| accuracy of the decision | {metrics.accuracy:.3f} |" in card
    assert f"| declined | {metrics.scores['declined_share']:.0%} |".replace("%", " %") in card
    for bin_ in metrics.calibration:
        assert f"{bin_.rows} | {bin_.predicted:.3f} | {bin_.observed:.2f} |" in card
    thresholds = f"declined from {credit.DECLINE_FROM}; `low_risk` below {credit.MEDIUM_RISK_FROM}"
    assert f"{thresholds}, `high_risk` from {credit.HIGH_RISK_FROM:.2f}" in card
