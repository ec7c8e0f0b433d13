import json
from collections.abc import Iterator

import httpx
import pytest
import requests

INFER = "/v2/models/iris/infer"
LIMIT = 500_000


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 50_000):
        yield b"x" * 50_000


@pytest.mark.parametrize(("path", "key"), [(INFER, "error"), ("/predict", "detail")])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_refused(client: httpx.Client, path: str, key: str, announced: bool) -> None:
    content = b"x" * (LIMIT + 1) if announced else _chunks(2 * LIMIT)
    response = client.post(path, content=content, headers={"content-type": "application/json"})
    assert response.status_code == 413
    assert response.json() == {key: f"the body is larger than {LIMIT} bytes"}


def test_a_client_that_writes_everything_first_sees_the_refusal_and_goes_on(client: httpx.Client) -> None:
    # Given a client that reads only after it has written all of a body far too large
    with requests.Session() as session:
        refused = session.post(f"{client.base_url}{INFER}", data=b"x" * (40 * LIMIT), timeout=10)

        # Then it sees the refusal, and its connection serves the next request
        assert refused.status_code == 413
        assert session.get(f"{client.base_url}/v2/health/live", timeout=10).status_code == 200


def test_a_body_of_the_limit_is_read(client: httpx.Client) -> None:
    body = json.dumps({"inputs": []}).encode()
    response = client.post(INFER, content=body + b" " * (LIMIT - len(body)))
    assert response.status_code == 400


@pytest.mark.parametrize(("rows", "status"), [(5_000, 200), (5_001, 413)])
def test_rows_are_limited(client: httpx.Client, rows: int, status: int) -> None:
    tensor = {"name": "rows", "shape": [rows, 4], "datatype": "FP64", "data": [1.5] * (4 * rows)}
    response = client.post(INFER, json={"inputs": [tensor]})
    assert response.status_code == status
    if status == 413:
        assert response.json() == {"error": "5001 rows are more than the 5000 taken in one request"}
