"""`python -m examples.diabetes.compare`: hold the newest predictions against what came true."""

import typer
from sklearn.metrics import mean_absolute_error, r2_score

from examples.databases import connect

TRUE = "select id, progression from diabetes_patient where progression is not null"
PREDICTED = "select patient_id, progression from diabetes_prediction_latest"


def main() -> None:
    """Print how many patients there are, how many are predicted, and how well."""
    with connect("source") as source, connect("target") as target:
        truth = dict(source.execute(TRUE).fetchall())
        predicted = dict(target.execute(PREDICTED).fetchall())
    both = sorted(truth.keys() & predicted.keys())
    print(f"patients={len(truth)} predicted={len(predicted)}", end="")
    if len(both) > 1:
        pair = [truth[key] for key in both], [predicted[key] for key in both]
        print(f" r2={r2_score(*pair):.3f} mean_absolute_error={mean_absolute_error(*pair):.1f}", end="")
    print()


if __name__ == "__main__":
    typer.run(main)
