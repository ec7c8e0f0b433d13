"""What a log line says of an exception, and what it does not."""

import os
import pty
import subprocess
import sys

import pytest

from stack.settings import ROOT

FAILS = """
import structlog
from api.logs import configure_logging

def sign_in(password):
    raise RuntimeError("nobody thought of it")

configure_logging("info")
try:
    sign_in("correct" + " horse")
except RuntimeError:
    structlog.get_logger().exception("it failed")
"""


@pytest.mark.parametrize("terminal", [True, False])
def test_an_exception_is_told_without_what_its_variables_hold(terminal: bool) -> None:
    reader, writer = pty.openpty() if terminal else os.pipe()
    try:
        done = subprocess.run([sys.executable, "-c", FAILS], stderr=writer, cwd=ROOT, check=False)  # noqa: S603
        said = os.read(reader, 100_000).decode()
    finally:
        os.close(reader)
        os.close(writer)

    assert done.returncode == 0
    assert "nobody thought of it" in said
    assert "correct horse" not in said
