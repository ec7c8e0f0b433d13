"""`python -m examples.orders.server`: a model server of one's own; two endpoints of the Open Inference Protocol v2.

The model learns at the start, in a second, from orders whose fate is known.
"""

import os
from typing import Any

import numpy as np
import sklearn
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from examples.orders.orders import orders

INPUTS = {
    "amount": "FP64",
    "items": "INT64",
    "gift": "BOOL",
    "channel": "BYTES",
    "ordered_at": "INT64",
    "promised_at": "INT64",
    "birthday": "INT64",
}
VERSION = f"logistic-{sklearn.__version__}"


class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class Request(BaseModel):
    inputs: list[Tensor]


def features(columns: dict[str, Any]) -> Any:
    """What the model learns from, shape [n, 4]: amount, channel, gift, days until the promised day (3 if unknown)."""
    seconds = np.asarray(columns["promised_at"], float) - np.asarray(columns["ordered_at"], float)
    days = np.where(seconds > 0, seconds / 86_400, 3.0)
    rows = zip(columns["amount"], columns["channel"], columns["gift"], days, strict=True)
    return np.array([[float(a), c, float(g), float(d)] for a, c, g, d in rows], dtype=object)


def trained() -> Pipeline:
    """The model, fitted to orders whose fate is known."""
    known = orders(5_000, seed=1)
    columns = {
        "amount": [o.amount for o in known],
        "channel": [o.channel or "unknown" for o in known],
        "gift": [o.gift for o in known],
        "ordered_at": [o.ordered_at.timestamp() for o in known],
        "promised_at": [
            o.promised_at.replace(tzinfo=o.ordered_at.tzinfo).timestamp() if o.promised_at else 0 for o in known
        ],
    }
    encoded = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), [1]), (StandardScaler(), [0, 2, 3]))
    return make_pipeline(encoded, LogisticRegression()).fit(features(columns), [o.returned for o in known])


def application(model: Pipeline) -> FastAPI:
    app = FastAPI(title="orders")

    @app.get("/v2/models/orders")
    def metadata() -> dict[str, Any]:
        return {
            "name": "orders",
            "versions": [VERSION],
            "platform": "sklearn",
            "inputs": [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in INPUTS.items()],
            "outputs": [
                {"name": "returned", "datatype": "BOOL", "shape": [-1]},
                {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
            ],
        }

    @app.post("/v2/models/orders/infer")
    def infer(request: Request) -> dict[str, Any]:
        columns = {tensor.name: tensor.data for tensor in request.inputs}
        if columns.keys() != INPUTS.keys():
            raise HTTPException(422, f"the inputs are {', '.join(INPUTS)}")
        probabilities = model.predict_proba(features(columns))
        count = len(probabilities)
        return {
            "model_name": "orders",
            "model_version": VERSION,
            "outputs": [
                {
                    "name": "returned",
                    "shape": [count],
                    "datatype": "BOOL",
                    "data": (probabilities[:, 1] > 0.5).tolist(),  # noqa: PLR2004 (more likely than not)
                },
                {
                    "name": "probabilities",
                    "shape": [count, 2],
                    "datatype": "FP64",
                    "data": probabilities.round(4).ravel().tolist(),
                },
            ],
        }

    return app


if __name__ == "__main__":
    uvicorn.run(application(trained()), host="127.0.0.1", port=int(os.environ.get("ORDERS_PORT", "8100")))
