"""What the verbs of the Makefile take from the environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stack.settings import ROOT


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_archive_that_is_set_is_listed_whatever_the_offset() -> None:
    # Given a terminal that has the addresses of a stack already, as `make demo` says how to
    archive = {"ARCHIVE_ENDPOINT": "http://127.0.0.1:1", "ARCHIVE_USER": "user", "ARCHIVE_PASSWORD": "word"}
    command = ["make", "-o", ".venv/.demo", f"BIN={Path(sys.executable).parent}", "archive-ls", "PORT_OFFSET=12000"]

    # When the archive is listed
    listed = subprocess.run(  # noqa: S603 (our own verb)
        command,
        check=False,
        cwd=ROOT,
        env={**os.environ, **archive, "ARCHIVE_PORT": "20333"},
        capture_output=True,
        text=True,
    )

    # Then it is that one which is asked, not one further on
    assert "http://127.0.0.1:1/" in listed.stderr
