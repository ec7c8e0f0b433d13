"""`python -m api.archive.listing`: print the archive's objects with their sizes and tags, as the settings find them."""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from api.archive.errors import ArchiveError
from api.archive.settings import ArchiveSettings
from api.archive.store import Store

COLUMNS = ("predicted_class", "confidence", "label", "timestamp", "model_version")


def main(
    prefix: Annotated[str, typer.Argument(help="What the keys begin with, `class_07` for one.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The most objects that are printed.")] = 50,
) -> None:
    """Print the archive's objects: a table on a terminal, otherwise a line each with tabs between."""
    try:
        settings = ArchiveSettings()
    except ValidationError as error:
        for problem in error.errors():
            _complain(f"{str(problem['loc'][0]).upper()}: {problem['msg']}")
        sys.exit(1)
    if not settings.archive_endpoint:
        _complain("ARCHIVE_ENDPOINT is not set: it says where the store is")
        sys.exit(1)
    store = Store(settings)
    try:
        # one more tells whether there are more
        found = list(islice(store.objects(prefix), limit + 1))
        _print(_rows(store, found[:limit]))
    except ArchiveError as error:
        _complain(str(error))
        sys.exit(1)
    finally:
        store.close()
    if len(found) > limit:
        _complain(f"there are more than {limit}: --limit prints more of them")


def _rows(store: Store, found: list[tuple[str, int]]) -> list[list[str]]:
    with ThreadPoolExecutor(4) as pool:
        tags = list(pool.map(store.tags, [key for key, _ in found]))
    return [
        [key, str(size), *(tag.get(name, "") for name in COLUMNS)] for (key, size), tag in zip(found, tags, strict=True)
    ]


def _print(rows: list[list[str]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        for row in rows:
            print("\t".join(row))
        return
    table = Table("object", "bytes", *COLUMNS, box=None)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    typer.run(main)
