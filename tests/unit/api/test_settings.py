from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import Settings


def test_the_defaults_are_the_demo_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given an empty environment and the example file as the only other source
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    example = Path(__file__).resolve().parents[3] / ".env.example"

    # When settings are made of either, then they are the same
    assert Settings() == Settings(_env_file=example)
    assert (Settings().api_host, Settings().api_port) == ("127.0.0.1", 8000)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("API_PORT=8100\nMAX_ROWS=10\nSOURCE_PORT=1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_PORT", "8200")
    assert (Settings().api_port, Settings().max_rows) == (8200, 10)


@pytest.mark.parametrize(("name", "value"), [("API_PORT", "65536"), ("MAX_ROWS", "0"), ("LOG_LEVEL", "loud")])
def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_do_not_change(models_dir: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings(models_dir=models_dir).api_port = 1  # type: ignore[misc]
