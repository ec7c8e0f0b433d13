"""What the documents point to is there: files, headings, verbs of the Makefile."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from stack.settings import ROOT

# folders that hold what others wrote, or what programs wrote
SKIPPED = {"__pycache__", "node_modules", "models"}
SHOWN = {".github"}
FENCE = re.compile(r"(?ms)^ {0,3}(```+|~~~+).*?^ {0,3}\1[ \t]*$")
CODE_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
LINKS = (
    # [text](target "title") and images
    re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^)]*)?\)"),
    # [name]: target
    re.compile(r"(?m)^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)"),
    # HTML
    re.compile(r"(?:href|src|srcset)=[\"']([^\"' ]+)"),
)
ANCHOR = re.compile(r"<a\s+(?:id|name)=[\"']([^\"']+)")
VERB = re.compile(r"(?:^|[\s;&(`])make((?:\s+[A-Z_]+=\S+)*)\s+([a-z][a-z-]*)", re.MULTILINE)
BACKTICKED_VERB = re.compile(r"`make ([a-z][a-z-]*)")
# parts apart, so that this file names none itself
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
        ("rubygems", "org"),
    )
]


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, without what is hidden, fetched or made."""
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED and (name[0] != "." or name in SHOWN)]
        found += [Path(folder, name) for name in names]
    return tuple(sorted(found))


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md"]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def without_code(text: str) -> str:
    return CODE_SPAN.sub("", FENCE.sub("", text))


def code(text: str) -> list[str]:
    """The text's pieces of code: fenced blocks and spans."""
    return [fence[0] for fence in FENCE.finditer(text)] + [span[2] for span in CODE_SPAN.finditer(FENCE.sub("", text))]


def links(text: str) -> list[str]:
    """The targets of a document's links to files and headings of the repository."""
    plain = without_code(text)
    targets = [target for pattern in LINKS for target in pattern.findall(plain)]
    return [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:|//", target)]


def anchors(text: str) -> set[str]:
    """The names by which a document's headings are linked to, as GitHub makes them."""
    found = set(ANCHOR.findall(text))
    counts: dict[str, int] = {}
    for heading in re.findall(r"(?m)^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        count = counts[name] = counts.get(name, -1) + 1
        found.add(f"{name}-{count}" if count else name)
    return found


def broken(document: Path, target: str) -> bool:
    """Whether a link of the document leads nowhere."""
    path, _, anchor = unquote(target).partition("#")
    file = (ROOT / path.lstrip("/") if path.startswith("/") else document.parent / path) if path else document
    if not file.resolve().is_relative_to(ROOT) or not file.exists():
        return True
    if not anchor:
        return False
    if line := re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor):
        return max(int(number) for number in line.groups() if number) > len(file.read_text().splitlines())
    return file.suffix != ".md" or anchor not in anchors(file.read_text())


@cache
def verbs() -> frozenset[str]:
    return frozenset(re.findall(r"(?m)^([a-z][a-z-]*):", (ROOT / "Makefile").read_text()))


def test_there_are_documents() -> None:
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} <= {named(path) for path in documents()}


@pytest.mark.parametrize("document", documents(), ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [target for target in links(document.read_text()) if broken(document, target)] == []


@pytest.mark.parametrize("document", documents(), ids=named)
def test_every_verb_in_a_document_is_one_of_the_makefile(document: Path) -> None:
    mentioned = {verb for piece in code(document.read_text()) for _, verb in VERB.findall(piece)}

    assert mentioned - verbs() == set()


def test_every_verb_in_a_program_is_one_of_the_makefile() -> None:
    programs = [path for path in files() if path.suffix in {".py", ".toml", ".sql", ".yaml", ".yml", ".json"}]
    mentioned = {
        (named(path), verb) for path in programs for verb in BACKTICKED_VERB.findall(path.read_text()) if path != THIS
    }

    assert {(path, verb) for path, verb in mentioned if verb not in verbs()} == set()


def test_every_verb_of_the_makefile_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()

    explained = set(re.findall(r"(?m)^([a-z][a-z-]*):.*## \S", makefile))

    assert verbs() == explained
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)
    assert set(phony.split()) == verbs()


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRIES)) + r"|--(?:extra-)?index-url|--find-links")
    named_in = [
        f"{named(path)}: {match[0]}"
        for path in files()
        for match in [pattern.search(path.read_text(errors="replace"))]
        if match and path != THIS
    ]

    assert named_in == []


THIS = Path(__file__)
SAMPLE = """
# One `two` & three
## Same
## Same
<a id="by-hand"></a>
[good](other.md#there "title") ![image](<image.svg>) [no `code](b`.md) `[code](none.md)`
[web](https://example.org/x) [mail](mailto:a@example.org) [gone](none.md) [reference]
```sh
# Not a heading
make demo FOR=30; make PORT_OFFSET=1 test
[fenced](none.md)
```
[reference]: #same-1
Use `make up`, make sure of it.
"""


def test_links_are_found_outside_of_code() -> None:
    assert links(SAMPLE) == ["other.md#there", "image.svg", "none.md", "#same-1"]


def test_headings_are_named_as_github_names_them() -> None:
    assert anchors(SAMPLE) == {"one-two--three", "same", "same-1", "by-hand"}


def test_verbs_are_found_in_code_alone() -> None:
    assert {verb for piece in code(SAMPLE) for _, verb in VERB.findall(piece)} == {"demo", "test", "up"}


@pytest.mark.parametrize(
    ("target", "is_broken"),
    [
        ("other.md", False),
        ("other.md#there", False),
        ("other.md#gone", True),
        ("gone.md", True),
        ("#here", False),
        ("#there", True),
        ("program.py#L2", False),
        ("program.py#L1-L3", True),
        ("../../outside.md", True),
        ("/docs/other.md", False),
    ],
)
def test_a_link_that_leads_nowhere_is_broken(
    target: str, is_broken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path / "repository")
    docs = tmp_path / "repository" / "docs"
    docs.mkdir(parents=True)
    (tmp_path / "outside.md").write_text("")
    (docs / "this.md").write_text("# Here")
    (docs / "other.md").write_text("# There")
    (docs / "program.py").write_text("1\n2\n")

    assert broken(docs / "this.md", target) == is_broken
