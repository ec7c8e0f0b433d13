"""Options that mean nothing are refused with a reason."""

import math
import subprocess
import sys

import pytest

from data_generator.errors import SettingError
from data_generator.options import check_drift, check_pace
from stack.settings import ROOT


@pytest.mark.parametrize(
    ("rate", "for_seconds", "option"),
    [
        (math.inf, None, "--rate"),
        (math.nan, None, "--rate"),
        (1.0, 0.0, "--for"),
        (1.0, -1.0, "--for"),
        (1.0, math.nan, "--for"),
    ],
)
def test_a_meaningless_pace_is_refused(rate: float, for_seconds: float | None, option: str) -> None:
    with pytest.raises(SettingError, match=option):
        check_pace(rate, for_seconds)


def test_a_meaningless_drift_is_refused() -> None:
    with pytest.raises(SettingError, match="--drift"):
        check_drift(math.inf)


def test_meaningful_numbers_pass() -> None:
    check_pace(0.0, 0.5)
    check_drift(-1.0)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--rate", "3", "images"], {}, "data_generator: --rate: must stand after images\n"),
        (
            ["images"],
            {},
            "data_generator: not set in the environment: API_URL (`make stack` prints the values)\n",
        ),
        (
            ["images"],
            {"API_URL": "somewhere"},
            "data_generator: API_URL: Input should be a valid URL, relative URL without a base\n",
        ),
        (["--drift", "1", "applications"], {}, "data_generator: --drift: must stand after applications\n"),
        (
            ["applications", "--drift", "inf"],
            {"API_URL": "http://127.0.0.1:1"},
            "data_generator: --drift inf: must be a number of standard deviations a minute\n",
        ),
        (
            ["applications", "--rate", "inf"],
            {"API_URL": "http://127.0.0.1:1"},
            "data_generator: --rate inf: must be a number of applications a second, 0 for as fast as possible\n",
        ),
        (
            ["images", "--events", "0.5"],
            {"API_URL": "http://127.0.0.1:1", "SOURCE_HOST": "127.0.0.1", "SOURCE_PORT": "1", "SOURCE_USER": "u"},
            "data_generator: not set in the environment: SOURCE_DATABASE, SOURCE_PASSWORD"
            " (`make stack` prints the values)\n",
        ),
    ],
)
def test_a_setting_that_is_missing_or_wrong_ends_with_one_line(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "data_generator", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (2, said)
