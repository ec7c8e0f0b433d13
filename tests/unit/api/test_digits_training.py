from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV

from api.model import artifact
from api.model.description import Description
from api.protocol.metadata import describe
from api.training import digits
from api.training.digits import LabelledDigits, training_and_held_out


@pytest.fixture(scope="module")
def fitted() -> tuple[Description, CalibratedClassifierCV]:
    return digits.train()


def test_the_same_training_gives_the_same_version(fitted: tuple[Description, CalibratedClassifierCV]) -> None:
    description, _ = fitted
    again, _ = digits.train()
    assert again.version == description.version
    assert len(description.version) == 12


def test_the_split_is_always_the_same_and_has_every_digit_once() -> None:
    training, held_out = training_and_held_out()
    again, _ = training_and_held_out()
    assert (training.rows == again.rows).all()
    assert (len(training.rows), len(held_out.rows)) == (1347, 450)
    assert set(held_out.classes.tolist()) == set(range(10))
    assert not {row.tobytes() for row in training.rows} & {row.tobytes() for row in held_out.rows}


def test_it_is_measured_on_digits_that_it_was_not_fitted_to(fitted: tuple[Description, CalibratedClassifierCV]) -> None:
    description, model = fitted
    metrics = description.metrics
    _, held_out = training_and_held_out()
    assert metrics.accuracy == pytest.approx((model.predict(held_out.rows) == held_out.classes).mean(), abs=1e-6)
    assert metrics.accuracy is not None
    assert metrics.accuracy > 0.98
    assert list(metrics.by_class) == [str(value) for value in range(10)]
    assert sum(bin_.rows for bin_ in metrics.calibration) == metrics.held_out_rows == 450
    predicted = [bin_.predicted for bin_ in metrics.calibration]
    assert predicted == sorted(predicted)
    assert metrics.scores["log_loss"] < 0.15


def test_the_answer_is_the_likeliest_class_and_its_probability(
    fitted: tuple[Description, CalibratedClassifierCV], tmp_path: Path
) -> None:
    # Given the model as it is stored and served
    description, model = fitted
    artifact.save(tmp_path, description, model)
    served = artifact.load(tmp_path, "digits", description.version)
    _, held_out = training_and_held_out()

    answers = served.predict({f"pixel_{i}": held_out.rows[:, i] for i in range(64)})

    probabilities = model.predict_proba(held_out.rows)
    assert (answers["predicted_class"] == probabilities.argmax(axis=1)).all()
    assert answers["confidence"] == pytest.approx(probabilities.max(axis=1))
    assert [answers[output.name].dtype.name for output in digits.OUTPUTS] == ["int64", "float64"]
    told = describe(description, [description.version])
    assert [(o.name, o.datatype) for o in told.outputs] == [("predicted_class", "INT64"), ("confidence", "FP64")]
    assert told.outputs[0].parameters["class.7"] == "7"


def test_more_digits_make_another_version_measured_on_the_same_rows(
    fitted: tuple[Description, CalibratedClassifierCV],
) -> None:
    # Given digits that lie on their side, which the model has never seen
    description, _ = fitted
    training, held_out = training_and_held_out()
    lying = np.rot90(training.rows.reshape(-1, 8, 8), axes=(1, 2)).reshape(-1, 64)
    more, model = digits.train(LabelledDigits(lying[:300], training.classes[:300]))

    assert more.version != description.version
    assert (more.metrics.training_rows, more.parameters["extra_rows"]) == (1647, 300)
    assert more.metrics.held_out_rows == description.metrics.held_out_rows
    other = np.rot90(held_out.rows.reshape(-1, 8, 8), axes=(1, 2)).reshape(-1, 64)
    assert (model.predict(other) == held_out.classes).mean() > 0.8
