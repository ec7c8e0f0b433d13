"""What the documentation is told by hand: bodies that are read in pieces, and what each refusal means."""

from typing import Any

from api.problems import Refusals
from api.tasks.submission import FILE, JSON, MULTIPART

refusals = Refusals(
    {
        400: "The body is no well-formed form, or ends early.",
        401: "There is no token, or it is none, or it has expired.",
        403: "The token is good for less than that.",
        404: "There is no such task, or it is another's.",
        406: "None of the types in `Accept` is given.",
        408: "The upload stalled; send it again.",
        409: "The task has not ended yet, or has ended already; or a request with this Idempotency-Key is in hand.",
        413: "More bytes or rows than are taken.",
        415: "The body, or its file, is of no type that is taken.",
        422: "Fields or columns are missing or wrong; `errors` names each.",
        503: "A database is away, or too many tasks are being taken in; send it again after `Retry-After`.",
    }
)
_TEXTS = {
    "model": {
        "type": "string",
        "description": "A model that takes tasks; `GET /models` lists them.",
        "example": "iris",
    },
    "version": {"type": "string", "description": "The model's version; without one, whichever is current then."},
    "callback_url": {"type": "string", "format": "uri", "description": "Gets a signed POST when the task has ended."},
}
SUBMISSION: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "properties": {
                        **_TEXTS,
                        "rows": {
                            "type": "array",
                            "items": {"type": "object"},
                            "minItems": 1,
                            "description": "By column.",
                        },
                    },
                    "required": ["model", "rows"],
                    "additionalProperties": False,
                },
                "example": {
                    "model": "iris",
                    "rows": [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}],
                },
            },
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {
                        **_TEXTS,
                        FILE: {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV, JSON lines or Parquet: by its content type, else by its name.",
                        },
                    },
                    "required": ["model", FILE],
                },
                "encoding": {FILE: {"contentType": "text/csv, application/x-ndjson, application/vnd.apache.parquet"}},
            },
        },
    }
}
FILES: dict[str, Any] = {
    "description": "The rows, streamed.",
    "content": {
        JSON: {"schema": {"type": "array", "items": {"type": "object"}}},
        "application/x-ndjson": {"schema": {"type": "string"}},
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    },
}
