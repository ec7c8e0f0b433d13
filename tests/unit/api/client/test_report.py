"""What a terminal shows while a file is sent."""

import io

import pytest
from rich.console import Console

from api.client import report
from api.client.report import Report


def test_a_file_may_be_named_as_a_command_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(
        report, "Console", lambda **kwargs: Console(**kwargs | {"stderr": False}, file=shown, force_terminal=True)
    )

    with Report().uploading("rows[/red].csv", 10) as sent:
        sent(3)

    assert "sending rows[/red].csv" in shown.getvalue()
