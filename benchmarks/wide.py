"""A model of as many features as a benchmark wants: `WIDE_FEATURES=40 python -m api.train benchmarks.wide`.

The same kind of model at every width, a scaled linear one of three classes, so that what differs is the rows' width.
"""

from __future__ import annotations

import os

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from api.model.description import Description, Feature, Metrics, ModelClass, Output, Reference
from api.training.reference import class_counts, distribution
from api.training.versioned import versioned
from benchmarks.topic import columns

ROWS = 600
CLASSES = 3
# the values of the topic's rows
HIGHEST = 8.0


def name_of(features: int) -> str:
    """What the model is served as."""
    return f"wide_{features}"


def train() -> tuple[Description, Pipeline]:
    """Fit the model of WIDE_FEATURES features to rows whose class is the rank of their mean."""
    features = int(os.environ["WIDE_FEATURES"])
    names = columns(features)
    rows = np.random.default_rng(features).uniform(0.0, HIGHEST, (ROWS, features))
    means = rows.mean(axis=1)
    classes = np.searchsorted(np.quantile(means, [1 / CLASSES, 2 / CLASSES]), means)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200)).fit(rows, classes)
    description = Description(
        name=name_of(features),
        title=f"The rank of the mean of {features} numbers",
        platform="sklearn_skops",
        features=tuple(Feature(name, "FP64", "") for name in names),
        outputs=(Output("rank", "INT64", tuple(ModelClass(i, str(i)) for i in range(CLASSES))),),
        parameters={"features": features},
        metrics=Metrics(training_rows=ROWS, held_out_rows=0),
        reference=Reference(
            features={name: distribution(rows[:, i]) for i, name in enumerate(names)},
            class_counts=class_counts(classes),
        ),
    )
    return versioned(description, pipeline), pipeline
