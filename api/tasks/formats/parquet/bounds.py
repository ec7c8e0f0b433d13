"""What one file may cost: a few bytes of Parquet can unpack to any size."""

import os
import resource
import threading
from typing import Final

ADDRESS_SPACE_BYTES: Final = 768 * 1024 * 1024
CPU_SECONDS: Final = 600
PIECE_BYTES: Final = 4096


def bound() -> None:
    """Limit this process's address space (macOS does not heed that) and processor time; let it write no files."""
    for kind, limit in (
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def end_with_the_parent() -> None:
    """End this process when its standard input ends, which the parent holds open and its death closes."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    while os.read(0, PIECE_BYTES):
        pass
    os._exit(1)
