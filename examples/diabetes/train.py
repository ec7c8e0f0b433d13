"""The diabetes model, for `python -m api.train examples.diabetes.train`."""

from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from api.model.description import Description, Feature, Metrics, Output, Reference
from api.training.reference import distribution
from api.training.versioned import versioned
from examples.diabetes.data import FEATURES, TARGET, patients

ALPHA = 10.0
SPLIT_SEED = 42


def train() -> tuple[Description, Pipeline]:
    """Fit the model on 80 % of the patients and measure it on the others."""
    features, progression = patients()
    rows, held_out, known, truth = train_test_split(features, progression, test_size=0.2, random_state=SPLIT_SEED)
    model = make_pipeline(StandardScaler(), Ridge(alpha=ALPHA)).fit(rows, known)
    predicted = model.predict(held_out)
    description = Description(
        name="diabetes",
        title="Progression of diabetes, one year after a patient was measured",
        platform="sklearn_skops",
        features=tuple(Feature(name, "FP64", unit) for name, unit in FEATURES.items()),
        outputs=(Output(TARGET, "FP64"),),
        parameters={"alpha": ALPHA, "split_seed": SPLIT_SEED},
        metrics=Metrics(
            training_rows=len(rows),
            held_out_rows=len(truth),
            scores={
                "r2": round(float(r2_score(truth, predicted)), 6),
                "mean_absolute_error": round(float(mean_absolute_error(truth, predicted)), 6),
            },
        ),
        reference=Reference(features={name: distribution(rows[:, i]) for i, name in enumerate(FEATURES)}),
    )
    return versioned(description, model), model
