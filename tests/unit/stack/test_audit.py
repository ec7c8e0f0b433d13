"""Packages are pinned by hash and of allowed licences, and the servers' artifacts are listed with theirs."""

from __future__ import annotations

import json
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from stack.artifacts import Artifact, read_lock
from stack.audit.__main__ import LICENCES, LISTED
from stack.audit.licences import EXCEPTIONS, allowed, read_table
from stack.audit.pins import Pin, normal, read_pins
from stack.audit.servers import bill
from stack.settings import LOCK, ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((ROOT / "requirements").glob("*.txt"))
HASH = f"--hash=sha256:{'0a' * 32}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_requirement_is_pinned_with_hashes(file: Path) -> None:
    assert read_pins(file)
    text = file.read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("group", ["api", "subscriber", "data_generator", "connectors", "demo"])
def test_what_runs_is_what_was_tested(group: str) -> None:
    requirements = ROOT / "requirements"

    assert read_pins(requirements / f"{group}.txt") <= read_pins(requirements / "dev.txt")


def test_pins_are_read(tmp_path: Path) -> None:
    file = tmp_path / "some.txt"
    file.write_text(f"# a word\nA_b.c[x,y]==1.0 ; python_version < '3.12' \\\n    {HASH} \\\n    {HASH}\nd==2 {HASH}\n")

    assert read_pins(file) == {Pin("a-b-c", "1.0"), Pin("d", "2")}


@pytest.mark.parametrize(
    "line",
    [
        "a==1",
        f"a>=1 {HASH}",
        f"a {HASH}",
        "a==1 --hash=md5:00",
        f"a==1 {HASH}0",
        f"a @ file:///a.whl {HASH}",
        "-e .",
        "--trusted-host somewhere",
        f"-r more.txt {HASH}",
    ],
)
def test_a_line_that_could_bring_anything_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "some.txt"
    file.write_text(f"{line}\n")

    with pytest.raises(ValueError, match=r"^some\.txt: "):
        read_pins(file)


def test_every_package_is_of_an_allowed_licence() -> None:
    listed = read_table(LICENCES.read_text())

    assert [name for name, licence in listed.items() if not allowed(name, licence)] == []
    assert set(EXCEPTIONS) <= set(listed)


def test_the_list_of_licences_has_every_package_that_is_installed() -> None:
    named = {pin.name for group in LISTED for pin in read_pins(ROOT / "requirements" / f"{group}.txt")}
    installed = {normal(found.name) for found in metadata.distributions()}

    assert named & installed <= set(read_table(LICENCES.read_text())), "run python -m stack.audit"
    assert set(read_table(LICENCES.read_text())) <= named, "run python -m stack.audit"


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only AND MIT", False),
        ("Apache Software License; BSD License", True),
        ("UNKNOWN", False),
        ("", False),
    ],
)
def test_a_licence_is_allowed_by_one_of_its_alternatives(licence: str, may: bool) -> None:
    assert allowed("some-package", licence) is may


def test_the_servers_are_listed_with_their_hashes() -> None:
    groups = {line.split()[0] for line in LOCK.read_text().splitlines() if line and not line.startswith("#")}
    artifacts = read_lock(LOCK, groups)

    components = json.loads(bill(artifacts))["components"]

    assert [c["hashes"][0]["content"] for c in components] == [artifact.sha256 for artifact in artifacts]
    assert len({c["bom-ref"] for c in components}) == len(components)


def test_an_artifact_is_named_as_others_name_it() -> None:
    plugin = Artifact("debezium", "io.debezium:debezium-connector-jdbc:3.6.0.Final:tar.gz:plugin", "00", 1)

    (component,) = json.loads(bill([plugin]))["components"]

    assert (
        component["purl"] == "pkg:maven/io.debezium/debezium-connector-jdbc@3.6.0.Final?classifier=plugin&type=tar.gz"
    )
