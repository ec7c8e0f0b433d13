"""One file names every setting; the places that may change one have their order; ports move together."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from stack import settings as module
from stack.settings import ROOT, Settings, cache_folder, open_to_others, state_root

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = dict(re.findall(r"(?m)^([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text()))
# a port stands alone in a variable that is called so, or at the end of an address
PORT = re.compile(r"(?<=:)\d+$|^\d+$")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Read a copy of `.env.example`, no `.env`, and nothing from the environment."""
    for name in (*EXAMPLE, "STACK_STATE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    files = Settings.model_config["env_file"]
    assert isinstance(files, tuple)
    assert files[0] == ROOT / ".env.example"
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    monkeypatch.setitem(Settings.model_config, "env_file", tuple(tmp_path / f"{file}".split("/")[-1] for file in files))


def settings() -> Settings:
    return Settings()


def test_the_environment_of_a_service_is_what_the_example_names() -> None:
    assert settings().environment() == EXAMPLE


def test_every_variable_of_the_example_is_explained() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    blocks = "\n".join(lines).split("\n\n")

    assert all(block.startswith("#") or "KAFKA_BOOTSTRAP_SERVERS" in block for block in blocks)


@given(offset=st.integers(-1000, 30_000))
def test_every_port_moves_by_the_offset_and_nothing_else_changes(offset: int) -> None:
    before = Settings(_env_file=ROOT / ".env.example")
    moved = before.moved(offset).environment()

    expected = {
        name: PORT.sub(lambda port: str(int(port[0]) + offset), value) for name, value in before.environment().items()
    }
    assert moved == expected
    assert (moved == EXAMPLE) is (offset == 0)


@given(one=st.integers(0, 9999), other=st.integers(0, 9999))
def test_moves_add_up(one: int, other: int) -> None:
    plain = Settings(_env_file=ROOT / ".env.example")

    assert plain.moved(one).moved(other) == plain.moved(one + other)


def test_moved_servers_are_told_apart_by_their_own_ports() -> None:
    moved = settings().moved(100)

    assert (moved.kafka_port, moved.connect_port) == (9192, 8183)
    assert conninfo_to_dict(moved.source_dsn())["port"] == "5532"
    for dsn in (moved.target_dsn(), moved.reader_dsn(), moved.monitoring_dsn(), moved.monitoring_reader_dsn()):
        assert conninfo_to_dict(dsn)["port"] == "5533"


def test_the_later_place_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a value in the example alone, one also in .env, and one in the environment besides
    (tmp_path / ".env").write_text("SOURCE_PORT=1\nTARGET_PORT=1\nUNKNOWN=1\n")
    monkeypatch.setenv("TARGET_PORT", "2")

    read = settings()

    assert (read.api_port, read.source_port, read.target_port) == (8000, 1, 2)


def test_passwords_are_in_no_text_about_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in EXAMPLE if name.endswith("_PASSWORD")]
    for name in names:
        monkeypatch.setenv(name, "hidden-word")

    read = settings()

    assert names
    assert "hidden-word" not in f"{read!r} {read} {read.model_dump()} {read.model_dump_json()}"
    assert all(read.environment()[name] == "hidden-word" for name in names)


@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_password_reaches_the_databases_as_it_is(password: str) -> None:
    names = ("source_password", "target_password", "reader_password", "monitoring_password")
    secret = dict.fromkeys(names, SecretStr(password))
    changed = Settings(_env_file=ROOT / ".env.example").model_copy(update=secret)

    databases = (changed.target_dsn(), changed.reader_dsn(), changed.monitoring_dsn(), changed.monitoring_reader_dsn())
    for dsn in (changed.source_dsn(), *databases):
        assert conninfo_to_dict(dsn)["password"] == password


def test_state_is_kept_where_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    assert state_root() == tmp_path / "state"
    assert cache_folder() == tmp_path / "cache" / "stream-serving"


@pytest.mark.parametrize(("user", "closed"), [(0, False), (0, True), (1000, False), (1000, True)])
def test_as_root_state_lies_where_another_user_may_enter(
    user: int, closed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a clone that others may enter, or not
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "open_to_others", lambda _: not closed)

    folder = state_root()

    # then root leaves the clone only where it must
    assert (folder == tmp_path / ".stack") is not (user == 0 and closed)


def test_a_folder_is_open_when_all_above_it_are(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, *inner.parents):
        if folder.is_relative_to(tmp_path.parent.parent):
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH)
    assert open_to_others(inner)
    assert open_to_others(inner / "not" / "yet")

    inner.parent.chmod(0o700)

    assert not open_to_others(inner)
    assert not open_to_others(inner / "not" / "yet")
