"""Fits the models that MLServer serves, with MLServer's own scikit-learn: `python train.py FOLDER`."""

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

FIELDS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def store(folder: Path, name: str, model: object, version: str | None = None) -> None:
    """Write a model and its settings as MLServer's documentation tells."""
    home = folder / name
    home.mkdir(parents=True)
    joblib.dump(model, home / "model.joblib")
    parameters = {"uri": "./model.joblib"} | ({"version": version} if version else {})
    settings = {"name": name, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": parameters}
    (home / "model-settings.json").write_text(json.dumps(settings))


def main(folder: Path) -> None:
    """Fit and store every model."""
    data = load_iris()
    columns = pd.DataFrame(data.data, columns=FIELDS)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    store(folder, "by-column", fitted.fit(columns, data.target))
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    store(folder, "by-matrix", fitted.fit(data.data, data.target), "v7")
    # text in, text out
    shops = pd.DataFrame({"shop": ["north", "südlich"], "sepal_length": [5.0, 5.0]})
    encoder = make_column_transformer((OneHotEncoder(), ["shop"]), remainder="passthrough")
    fitted = make_pipeline(encoder, DecisionTreeClassifier(random_state=0))
    store(folder, "words", fitted.fit(shops, ["aufwärts", "abwärts"]), "1")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
