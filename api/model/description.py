"""What is known of a trained model, as kept in its `model.json`."""

import msgspec


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input column: its name, protocol datatype and unit of measure."""

    name: str
    datatype: str
    unit: str


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The output column: its name and protocol datatype."""

    name: str
    datatype: str


class ModelClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class: the number that is predicted, and what it is called."""

    value: int
    name: str


class ClassMetrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one class fared on the held-out rows; ratios from 0 to 1."""

    rows: int
    precision: float
    recall: float
    f1: float


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How the model fared on rows it was not fitted to.

    A classifier has an accuracy and a measure of each class; `scores` are any others by name, such as `r2`.
    """

    training_rows: int
    held_out_rows: int
    accuracy: float | None = None
    by_class: dict[str, ClassMetrics] = {}
    scores: dict[str, float] = {}


class Distribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one feature was spread over the training rows, in bins of about equal count.

    `edges` are the inner borders, ascending, without duplicates. `counts` has one number more: bin i holds the values v
    with edges[i-1] <= v < edges[i], the first and last bin being open. Edges and bounds are in the feature's unit.
    """

    minimum: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the training rows looked like: live rows are compared with it to notice drift."""

    features: dict[str, Distribution]
    class_counts: dict[str, int] = {}


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trained model, described. `version` is a hash of what it learnt; `sha256` is of the file it is stored in.

    A model that predicts a number has no classes.
    """

    name: str
    version: str = ""
    title: str
    platform: str
    features: tuple[Feature, ...]
    output: Output
    classes: tuple[ModelClass, ...] = ()
    parameters: dict[str, str | int | float]
    metrics: Metrics
    reference: Reference
    libraries: dict[str, str] = {}
    created: str = ""
    sha256: str = ""
