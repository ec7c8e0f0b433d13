"""The report by Evidently, in its own environment; `make drift-report` makes that."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from stack.settings import ROOT
from tests.integration.api.test_monitoring_drift import ANSWERS, drift, drifted, write
from tests.recording import answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recording import MonitoringDatabase

PYTHON = ROOT / ".venv-evidently" / "bin" / "python"


def test_without_its_packages_the_command_says_where_they_are(monitoring: MonitoringDatabase, tmp_path: Path) -> None:
    write(monitoring.dsn, [answer(0)])

    done = drift("--report", str(tmp_path / "drift.html"), database=monitoring)

    assert done.returncode == 2
    assert "`make drift-report` has an environment for it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not PYTHON.exists(), reason="Evidently is not installed: `make drift-report` does that")
def test_evidently_says_what_the_command_says(monitoring: MonitoringDatabase, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    made = (answer(i, now - timedelta(seconds=i % 1000)) for i in range(ANSWERS))
    write(monitoring.dsn, [drifted(one) for one in made])
    page = tmp_path / "drift.html"

    done = subprocess.run(  # noqa: S603 (our own program)
        [PYTHON, "-m", "api.drift", "--since", "1h", "--report", page],
        cwd=ROOT,
        env=os.environ | monitoring.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    ours = re.search(r"personal_status_and_sex +\d+ +([\d.]+)", done.stdout)
    assert ours is not None
    assert ours[1] in page.read_text()
