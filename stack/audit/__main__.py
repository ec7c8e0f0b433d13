"""`python -m stack.audit`: check pins and licences, and write what we are made of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from stack.artifacts import read_lock
from stack.audit.licences import allowed, table
from stack.audit.pins import Pin, normal, read_pins
from stack.audit.servers import bill
from stack.settings import LOCK, ROOT, state_root

SERVICES = ("api", "subscriber", "data_generator", "connectors")
LISTED = (*SERVICES, "demo", "dev")
LICENCES = ROOT / "docs" / "licences.md"
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(found) if found else 0)
"""


def audit(
    tools: Annotated[Path, typer.Option(help="The folder of the tools' programs, made of requirements/audit.txt.")],
    online: Annotated[bool, typer.Option("--online", help="Ask PyPI for known vulnerabilities, too.")] = False,
) -> None:
    """Check that every package is pinned with hashes, installed as pinned and of a licence that may be; write SBOMs."""
    files = sorted((ROOT / "requirements").glob("*.txt"))
    pins = {file.stem: read_pins(file) for file in files}
    print(f"pinned with hashes: {sum(map(len, pins.values()))} lines of {len(files)} requirement files")
    installed = _installed(tools)
    wrong = sorted(
        f"{name} {version} is installed, requirements/dev.txt has another version: make test"
        for name, (version, _) in installed.items()
        if name in {pin.name for pin in pins["dev"]} and Pin(name, version) not in pins["dev"]
    )
    named = {pin.name for group in LISTED for pin in pins[group]}
    licences = {name: licence for name, (_, licence) in installed.items() if name in named}
    wrong += sorted(
        f"{name}: licence {word} is not allowed" for name, word in licences.items() if not allowed(name, word)
    )
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        raise typer.Exit(1)
    users = {name: [group for group in LISTED if name in {pin.name for pin in pins[group]}] for name in licences}
    LICENCES.write_text(table(licences, users))
    print(f"licences allowed: {len(licences)} packages, {LICENCES.relative_to(ROOT)}")
    _write_bills(tools, state_root() / "sbom")
    if online:
        for group in SERVICES:
            _run(
                tools / "pip-audit", "--strict", "--disable-pip", "--require-hashes", "-r", f"requirements/{group}.txt"
            )


def _installed(tools: Path) -> dict[str, tuple[str, str]]:
    """Version and licence of each package of the running environment, by its name."""
    said = _run(tools / "pip-licenses", "--python", sys.executable, "--format=json", "--from=mixed", "--with-system")
    return {normal(found["Name"]): (found["Version"], found["License"]) for found in json.loads(said)}


def _write_bills(tools: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for group in SERVICES:
        file = folder / f"{group}.cdx.json"
        _run(
            *(tools / "cyclonedx-py", "requirements", f"requirements/{group}.txt", "--output-reproducible"),
            *("--spec-version", "1.6", "--output-file", str(file)),
        )
        print(f"written: {file}")
    groups = {line.split()[0] for line in LOCK.read_text().splitlines() if line and not line.startswith("#")}
    file = folder / "servers.cdx.json"
    file.write_text(bill(read_lock(LOCK, groups)))
    _run(tools / "python", "-c", VALIDATE, str(file))
    print(f"written: {file}")


def _run(program: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 (tools of our own requirements)
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"{program.name}: {(done.stderr or done.stdout).strip()}", file=sys.stderr)
        raise typer.Exit(1)
    return done.stdout


if __name__ == "__main__":
    typer.run(audit)
