"""`python -m subscriber schema`."""

from __future__ import annotations

import json

from subscriber.pipeline_schema import pipeline_schema


def schema() -> None:
    """Print the JSON schema of pipeline files, for editors that complete and check them."""
    print(json.dumps(pipeline_schema(), indent=2, ensure_ascii=False))
