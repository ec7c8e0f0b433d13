"""Several outputs, and text in and out, without a model of our own."""

import json
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import MalformedRequestError, UnfitValueError
from api.model.description import Band, Description, Feature, Metrics, ModelClass, Output, Reference
from api.model.model import Model
from api.model.outputs import OutputReader
from api.protocol.inference import infer
from api.protocol.metadata import describe

COLOURS = ("red", "grün", "\U0001f535")
BANDS = (Band("few", 0.25), Band("some", 0.5), Band("many"))
DESCRIPTION = Description(
    name="paint",
    version="v1",
    title="",
    platform="",
    features=(Feature("colour", "BYTES", categories=COLOURS), Feature("size", "FP64", "m")),
    outputs=(
        Output("index", "INT64"),
        Output("probability", "FP32", probability_of=7),
        Output("amount", "BYTES", probability_of=7, bands=BANDS),
    ),
    parameters={},
    metrics=Metrics(1, 1),
    reference=Reference({}),
)


class Echo:
    """Predicts the colour's index, and class 7 with the size as its probability."""

    classes_ = np.array([3, 7])

    def predict(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        return rows[:, 0]

    def predict_proba(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([1 - rows[:, 1], rows[:, 1]])


def _ask(inputs: object, **more: object) -> dict[str, Any]:
    answer = infer(Model(DESCRIPTION, Echo()), json.dumps({"inputs": inputs, **more}).encode(), 100)
    outputs: list[dict[str, Any]] = json.loads(answer.body)["outputs"]
    return {output["name"]: output for output in outputs}


def _tensors(colours: object, sizes: list[float], **change: object) -> list[dict[str, Any]]:
    return [
        {"name": "colour", "shape": [len(sizes)], "datatype": "BYTES", "data": colours} | change,
        {"name": "size", "shape": [len(sizes)], "datatype": "FP64", "data": sizes},
    ]


@given(st.lists(st.tuples(st.sampled_from(COLOURS), st.floats(0, 1, width=32)), min_size=1, max_size=20))
def test_every_row_gets_each_output(rows: list[tuple[str, float]]) -> None:
    colours, sizes = [row[0] for row in rows], [row[1] for row in rows]
    answer = _ask(_tensors(colours, sizes))
    assert {name: (o["datatype"], o["shape"]) for name, o in answer.items()} == {
        "index": ("INT64", [len(rows)]),
        "probability": ("FP32", [len(rows)]),
        "amount": ("BYTES", [len(rows)]),
    }
    assert answer["index"]["data"] == [COLOURS.index(colour) for colour in colours]
    assert answer["probability"]["data"] == sizes
    assert answer["amount"]["data"] == ["few" if s < 0.25 else "some" if s < 0.5 else "many" for s in sizes]
    assert _ask(_tensors([[c] for c in colours], sizes, shape=[len(rows), 1])) == answer


def test_the_outputs_that_are_asked_for_come_in_that_order() -> None:
    answer = _ask(_tensors(["red"], [0.3]), outputs=[{"name": "amount"}, {"name": "index"}, {"name": "amount"}])
    assert [(name, output["data"]) for name, output in answer.items()] == [("amount", ["some"]), ("index", [0])]


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (
            _tensors(["red", "blue"], [0, 0]),
            UnfitValueError,
            "tensor 'colour': the value at index 1 is 'blue', it must be one of 'red', 'grün', '\U0001f535'",
        ),
        (_tensors(["red", "x" * 1000], [0, 0]), UnfitValueError, f"is '{'x' * 60}…', it must"),
        (_tensors(["red", None], [0, 0]), UnfitValueError, "at index 1 is not a text it may hold: expected str, got"),
        (_tensors([0, 1], [0, 0]), UnfitValueError, "at index 0 is not a text it may hold"),
        (_tensors(["red"], [0, 0]), MalformedRequestError, "has 1 texts, its shape [2] needs 2"),
        (_tensors([0, 1], [0, 0], datatype="INT64"), MalformedRequestError, "has datatype 'INT64', it must be BYTES"),
        (
            [{"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": [0, 0]}],
            MalformedRequestError,
            "unknown tensor 'rows', the model takes colour, size, a tensor each",
        ),
        (
            [_tensors(["red"], [0])[0], {"name": "size", "shape": [1], "datatype": "BYTES", "data": ["1"]}],
            MalformedRequestError,
            "tensor 'size' has datatype 'BYTES', it must be one of INT8",
        ),
    ],
)
def test_text_that_does_not_fit_is_told_why(inputs: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        _ask(inputs)
    assert message in str(caught.value)


def test_the_metadata_lists_categories_and_bands() -> None:
    told = describe(DESCRIPTION, ["v1"])
    assert told.inputs[0].datatype == "BYTES"
    assert told.inputs[0].parameters == {f"category.{i}": colour for i, colour in enumerate(COLOURS)}
    assert told.inputs[1].parameters == {"unit": "m"}
    assert [(o.name, o.datatype) for o in told.outputs] == [
        ("index", "INT64"),
        ("probability", "FP32"),
        ("amount", "BYTES"),
    ]
    assert told.outputs[2].parameters == {"below.few": 0.25, "below.some": 0.5}
    assert msgspec.json.decode(msgspec.json.encode(DESCRIPTION), type=Description) == DESCRIPTION


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (Output("p", "FP64", probability_of=1), "has no probability of 1"),
        (Output("p", "BYTES"), "BYTES is for bands"),
        (Output("p", "FP64", bands=BANDS, probability_of=7), "bands for BYTES"),
        (Output("p", "BYTES", bands=BANDS), "BYTES is for bands of a probability"),
        (Output("p", "FP16"), "datatype 'FP16' is unknown"),
        (Output("p", "BYTES", probability_of=7, bands=(Band("a", 0.5), Band("b", 0.2), Band("c"))), "must ascend"),
        (Output("p", "BYTES", probability_of=7, bands=(Band("a"), Band("b"))), "must ascend"),
        (Output("p", "BYTES", probability_of=7, bands=(Band("a", 0.5),)), "must ascend"),
    ],
)
def test_a_description_that_cannot_be_answered_is_refused(output: Output, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        OutputReader([output], Echo())


def test_the_greatest_probability_is_that_of_the_predicted_class() -> None:
    outputs = (Output("index", "INT64"), Output("sure", "FP64", greatest_probability=True))
    rows = np.array([[0.0, 0.25], [1.0, 0.75], [2.0, 0.5]])
    answers = OutputReader(outputs, Echo()).read(rows)
    assert answers["sure"].tolist() == [0.75, 0.75, 0.5]
    assert answers["index"].tolist() == [0, 1, 2]
    # alone it needs no prediction
    assert list(OutputReader(outputs[1:], Echo()).read(rows)) == ["sure"]


@pytest.mark.parametrize(
    "output",
    [
        Output("sure", "FP64", greatest_probability=True, probability_of=7),
        Output("sure", "BYTES", greatest_probability=True),
        Output("sure", "FP64", greatest_probability=True, classes=(ModelClass(1, "one"),)),
    ],
)
def test_the_greatest_probability_is_a_number_of_no_class_in_particular(output: Output) -> None:
    with pytest.raises(ValueError, match="output 'sure'"):
        OutputReader((output,), Echo())


def test_an_estimator_without_probabilities_has_no_greatest() -> None:
    class Bare:
        def predict(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
            return rows[:, 0]

    with pytest.raises(ValueError, match="no probabilities"):
        OutputReader((Output("sure", "FP64", greatest_probability=True),), Bare())
