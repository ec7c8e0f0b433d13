"""How the programs that read and write Parquet are started."""

import os
import sys
from pathlib import Path
from typing import Final

import api

PASSED_ON: Final = ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")


def command(*arguments: str) -> list[str]:
    """The command of `python -m api.tasks.formats.parquet`."""
    return [sys.executable, "-m", "api.tasks.formats.parquet", *arguments]


def environment() -> dict[str, str]:
    """What it needs of the environment; a program that reads what anybody sends is told no secrets."""
    kept = {name: value for name in PASSED_ON if (value := os.environ.get(name))}
    root = str(Path(str(api.__file__)).parents[1])
    # Arrow's own allocators reserve more address space than the limit allows; arenas would, too
    return {**kept, "PYTHONPATH": root, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
