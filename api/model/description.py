"""What is known of a trained model, as kept in its `model.json`."""

import msgspec


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One input column: its name, protocol datatype and unit of measure.

    A feature of datatype BYTES is text: one of its `categories`, and the estimator gets the category's index.
    """

    name: str
    datatype: str
    unit: str = ""
    categories: tuple[str, ...] = ()


class ModelClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class: the number that is predicted, and what it is called."""

    value: int
    name: str


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A name for the probabilities below `below`, down to the band before it; the last band has no such end."""

    name: str
    below: float | None = None


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One output column: its name and protocol datatype, and what of the estimator's answer it is.

    * By itself, what the estimator predicts: a number, or the number of one of the `classes`.
    * With `probability_of`, the probability of the class of that number, from 0 to 1.
    * With `bands` besides, the name of the band in which that probability lies; its datatype is BYTES.
    * With `greatest_probability`, the probability of the class that is predicted, from 0 to 1.
    """

    name: str
    datatype: str
    classes: tuple[ModelClass, ...] = ()
    probability_of: int | None = None
    bands: tuple[Band, ...] = ()
    greatest_probability: bool = False


class ClassMetrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one class fared on the held-out rows; ratios from 0 to 1."""

    rows: int
    precision: float
    recall: float
    f1: float


class CalibrationBin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held-out rows of like probability: how many, the mean of what was predicted, and the share that came true."""

    rows: int
    predicted: float
    observed: float


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the model fared on rows it was not fitted to.

    A classifier has an accuracy and a measure of each class; `scores` are any others by name, such as `r2`. A model of
    probabilities has its `calibration`, from the least probability to the greatest.
    """

    training_rows: int
    held_out_rows: int
    accuracy: float | None = None
    by_class: dict[str, ClassMetrics] = {}
    scores: dict[str, float] = {}
    calibration: tuple[CalibrationBin, ...] = ()


class Distribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one feature was spread over the training rows, in bins of about equal count.

    `edges` are the inner borders, ascending, without duplicates. `counts` has one number more: bin i holds the values v
    with edges[i-1] <= v < edges[i], the first and last bin being open. Edges and bounds are in the feature's unit.
    """

    minimum: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the training rows looked like: live rows are compared with it to notice drift.

    `features` has each feature that is a number, `category_counts` for each that is text the rows of each category, 0
    included; `class_counts` the rows of each true class. `outputs` and `output_counts` are the same of the model's own
    answers to the training rows: the numbers, and the texts or classes.
    """

    features: dict[str, Distribution]
    category_counts: dict[str, dict[str, int]] = {}
    class_counts: dict[str, int] = {}
    outputs: dict[str, Distribution] = {}
    output_counts: dict[str, dict[str, int]] = {}


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trained model, described. `version` is a hash of what it learnt; `sha256` is of the file it is stored in."""

    name: str
    version: str = ""
    title: str
    platform: str
    features: tuple[Feature, ...]
    outputs: tuple[Output, ...]
    parameters: dict[str, str | int | float]
    metrics: Metrics
    reference: Reference
    libraries: dict[str, str] = {}
    created: str = ""
    sha256: str = ""
