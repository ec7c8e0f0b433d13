"""`python -m api.request`: what it sends and prints."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from api.credit.schemas import CreditApplication
from api.request import applicants

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

ROOT = Path(__file__).resolve().parents[3]


def _request(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "api.request", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )


def test_every_sample_is_a_valid_application() -> None:
    try:
        drawn = [CreditApplication.model_validate(application) for application in applicants(300, seed=1)]
    except ValidationError as error:
        pytest.fail(str(error))
    assert len(drawn) == 300


def test_each_sample_goes_to_every_endpoint(credit_api: "Api") -> None:
    done = _request("--url", credit_api.url, "--count", "2", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    answers = re.findall(r"  200 /(\w+) +(\{.*\})  miss [\d.]+ ms", done.stdout)
    assert [endpoint for endpoint, _ in answers] == ["decisions", "probabilities", "risk_categories"] * 2


def test_an_endpoint_that_is_not_there_and_an_api_that_is_not_there_are_failures(
    start_api: Callable[..., "Api"], own_models: Path, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    server = start_api(own_models)
    wait_until(server.ready)
    refused = _request("--url", server.url, "--count", "1")
    assert refused.returncode == 1
    assert "503 /decisions" in refused.stdout
    assert server.stop() == 0

    away = _request("--url", server.url, "--count", "1")
    assert away.returncode == 1
    assert f"no API answers at {server.url}" in away.stderr
    assert "`make demo`" in away.stderr
    assert "Traceback" not in away.stderr

    nowhere = _request("--url", "localhost")
    assert (nowhere.returncode, "localhost is no http address" in nowhere.stderr) == (1, True)
