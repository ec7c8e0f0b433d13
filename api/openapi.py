from typing import Any

import msgspec
from fastapi import FastAPI

from api.problems import FieldProblem, Problem
from api.protocol import messages

DESCRIPTION = """Predictions over HTTP.

* `POST /predict`: one iris flower.
* `POST /decisions`, `/probabilities`, `/risk_categories`: one application for a credit.
* `POST /images`: one image of a digit; the page at `/images/` takes drawings too.
* `POST /v2/models/{name}/infer`: a batch, by the
  [Open Inference Protocol v2](https://github.com/kserve/open-inference-protocol), for any model.
"""
REF = "#/components/schemas/{model}"
MESSAGES = (
    messages.InferenceRequest,
    messages.InferenceResponse,
    messages.ErrorResponse,
    messages.Live,
    messages.Ready,
    messages.ModelReady,
    messages.ServerMetadata,
    messages.ModelList,
    messages.ModelMetadata,
)


class DocumentedApp(FastAPI):
    """A FastAPI app that documents problems too, and the protocol's messages, which it does not decode itself."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            _, schemas = msgspec.json.schema_components(MESSAGES, ref_template=REF.replace("{model}", "{name}"))
            problems = {each.__name__: each.model_json_schema(ref_template=REF) for each in (FieldProblem, Problem)}
            problems["Problem"].pop("$defs")
            document.setdefault("components", {}).setdefault("schemas", {}).update(schemas | problems)
            self.openapi_schema = document
        return self.openapi_schema
