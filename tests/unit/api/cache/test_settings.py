from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from api.cache.cache import cache_from_settings
from api.cache.settings import CacheSettings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Read no `.env` and nothing from the environment."""
    monkeypatch.chdir(tmp_path)
    for name in CacheSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_an_address_there_is_no_cache() -> None:
    assert cache_from_settings(CacheSettings(), CollectorRegistry()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CACHE_URL", "127.0.0.1:6379"),
        ("CACHE_URL", "redis://cache:port"),
        ("CACHE_TTL_SECONDS", "0"),
        ("CACHE_TTL_SECONDS", "100000000000000000"),
        ("CACHE_TIMEOUT_MS", "-1"),
        ("CACHE_QUEUE", "0"),
    ],
)
def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=name.lower()):
        CacheSettings()


def test_the_password_is_in_no_text_about_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", "hidden-word")

    settings = CacheSettings()

    assert "hidden-word" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.cache_password.get_secret_value() == "hidden-word"
