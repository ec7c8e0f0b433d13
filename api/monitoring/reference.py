"""What a model was trained on, as the drift of its answers is measured against."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.credit.endpoint import Endpoint
from api.model.description import Description, Distribution


@dataclass(frozen=True)
class Bins:
    """Training's numbers in bins: `counts[i]` of them lay between edges[i-1] (included) and edges[i].

    The first and the last bin are open; there is one edge less than there are bins. `minimum` and `maximum` bound what
    training saw.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Categories:
    """How many training rows had each category."""

    counts: Mapping[str, int]


@dataclass(frozen=True)
class ReferenceDistribution:
    """One version's features by column, and its answers by endpoint, or by output where there is but one endpoint."""

    model_version: str
    features: Mapping[str, Bins | Categories]
    answers: Mapping[str, Bins | Categories]

    def rows(self) -> list[tuple[object, ...]]:
        """Its rows of the table `reference_distribution`."""
        return [
            (self.model_version, kind, name, *_columns(distribution))
            for kind, distributions in (("feature", self.features), ("answer", self.answers))
            for name, distribution in distributions.items()
        ]


def reference_of(description: Description) -> ReferenceDistribution:
    """What the credit model's description tells of its training."""
    reference = description.reference
    outputs = {**_bins(reference.outputs), **_categories(reference.output_counts)}
    return ReferenceDistribution(
        description.version,
        {**_bins(reference.features), **_categories(reference.category_counts)},
        {str(endpoint): outputs[endpoint.output] for endpoint in Endpoint if endpoint.output in outputs},
    )


def image_reference_of(description: Description) -> ReferenceDistribution:
    """What the digits model answered to its training rows, by output; its features are pixels, which nobody keeps."""
    reference = description.reference
    return ReferenceDistribution(
        description.version, {}, {**_bins(reference.outputs), **_categories(reference.output_counts)}
    )


def _bins(distributions: Mapping[str, Distribution]) -> dict[str, Bins | Categories]:
    return {name: Bins(d.edges, d.counts, d.minimum, d.maximum) for name, d in distributions.items()}


def _categories(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Bins | Categories]:
    return {name: Categories(rows) for name, rows in counts.items()}


def _columns(distribution: Bins | Categories) -> tuple[object, ...]:
    """The columns edges, minimum, maximum, categories, counts."""
    if isinstance(distribution, Bins):
        return (
            *(list(distribution.edges), distribution.minimum, distribution.maximum, None),
            list(distribution.counts),
        )
    return None, None, None, list(distribution.counts), list(distribution.counts.values())
