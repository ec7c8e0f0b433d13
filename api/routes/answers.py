from typing import Any

import msgspec
from starlette.responses import Response

from api.protocol import messages


def encoded(message: msgspec.Struct, status: int = 200) -> Response:
    """Answer with one of the protocol's messages."""
    return Response(msgspec.json.encode(message), status, media_type="application/json")


def documented(message: type[msgspec.Struct], *failures: int) -> dict[int | str, dict[str, Any]]:
    """Tell the API documentation what an endpoint answers, and with which statuses it refuses."""
    answers: dict[int | str, dict[str, Any]] = {200: _content(message)}
    return answers | {status: _content(messages.ErrorResponse) for status in failures}


def _content(message: type[msgspec.Struct]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{message.__name__}"}
    return {"description": message.__doc__, "content": {"application/json": {"schema": schema}}}
