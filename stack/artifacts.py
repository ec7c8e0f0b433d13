"""Artifacts from Maven Central, by coordinates: fetched in parallel, resumed, checked by hash, cached."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from jgo.constants import MAVEN_CENTRAL_URL

from stack.errors import DownloadFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

ATTEMPTS = 5
PARALLEL = 6
CHUNK_BYTES = 1 << 17
TIMEOUT_SECONDS = (10.0, 30.0)


@dataclass(frozen=True)
class Artifact:
    """One file of a Maven repository and what it must be.

    `group` says which part of the stack wants it: kafka, debezium or postgres-{os}-{arch}.
    """

    group: str
    coordinate: str
    sha256: str
    size: int

    @property
    def path(self) -> str:
        """Path in a repository: a.b:c:1:jar -> a/b/c/1/c-1.jar, a.b:c:1:tar.gz:plugin -> …/c-1-plugin.tar.gz."""
        group_id, artifact_id, version, packaging, *classifier = self.coordinate.split(":")
        suffix = "".join(f"-{c}" for c in classifier)
        return f"{group_id.replace('.', '/')}/{artifact_id}/{version}/{artifact_id}-{version}{suffix}.{packaging}"


def read_lock(lock: Path, groups: set[str]) -> list[Artifact]:
    """The artifacts of `groups` in the lock file: lines of group, coordinate, sha256, size in bytes."""
    artifacts = []
    for line in lock.read_text().splitlines():
        if line and not line.startswith("#"):
            group, coordinate, sha256, size = line.split()
            if group in groups:
                artifacts.append(Artifact(group, coordinate, sha256, int(size)))
    return artifacts


def fetch(
    artifacts: Iterable[Artifact],
    cache: Path,
    advance: Callable[[int], None],
    wait: Callable[[float], object] = time.sleep,
) -> dict[Artifact, Path]:
    """Every artifact as a file below `cache`; `advance` is told of each run of bytes that is there.

    Files that are there already, whole, are not fetched again. A partial file is resumed. `wait` lets so many seconds
    pass between two attempts.

    Raises:
        DownloadFailed: no answer after several attempts, or the bytes are not those of the lock.
    """
    artifacts = list(artifacts)
    with ThreadPoolExecutor(PARALLEL) as pool:
        paths = pool.map(lambda a: _fetch_one(a, cache, advance, wait), artifacts)
        return dict(zip(artifacts, paths, strict=True))


def extract(tar: tarfile.TarFile, folder: Path | str) -> None:
    """Unpack an archive, refusing members that would land outside `folder`."""
    # the first releases of Python 3.11 know no filters; the archives are those of the lock in any case
    tar.extraction_filter = getattr(tarfile, "data_filter", None)
    tar.extractall(folder)  # noqa: S202


def _fetch_one(
    artifact: Artifact, cache: Path, advance: Callable[[int], None], wait: Callable[[float], object]
) -> Path:
    path = cache / artifact.path
    if path.exists() and path.stat().st_size == artifact.size:
        advance(artifact.size)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # a name of its own for each process: two runs may fill one cache
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    _adopt_leftover(path, part)
    base = os.environ.get("MAVEN_MIRROR", MAVEN_CENTRAL_URL).rstrip("/")
    advanced = 0

    def tell(count: int) -> None:
        nonlocal advanced
        advanced += count
        advance(count)

    for attempt in range(1, ATTEMPTS + 1):
        try:
            _download(f"{base}/{artifact.path}", part, tell)
        except (requests.RequestException, OSError) as error:
            if isinstance(error, OSError) and error.errno == 28:  # noqa: PLR2004 (ENOSPC)
                raise DownloadFailed(
                    f"no space left on the disk while fetching {artifact.coordinate} to {cache}"
                ) from error
            if attempt == ATTEMPTS or _refused_for_good(error):
                raise DownloadFailed(_why(artifact, error)) from error
            # the next attempt tells of what has come so far
            tell(-advanced)
            wait(min(2.0**attempt / 2, 5.0))
            continue
        if _sha256(part) == artifact.sha256:
            part.replace(path)
            return path
        part.unlink()
        tell(-advanced)
    raise DownloadFailed(
        f"{artifact.coordinate}: {ATTEMPTS} downloads did not match the hash in its lock; "
        f"something between here and the repository changes files (a proxy?)"
    )


def _adopt_leftover(path: Path, part: Path) -> None:
    """Continue what a run that is gone left behind."""
    for leftover in path.parent.glob(f"{path.name}.*.part"):
        pid = leftover.name.split(".")[-2]
        if leftover != part and pid.isdigit() and not _alive(int(pid)):
            with contextlib.suppress(OSError):
                leftover.replace(part)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _download(url: str, part: Path, advance: Callable[[int], None]) -> None:
    have = part.stat().st_size if part.exists() else 0
    # offsets in the file are offsets of the answer only where that is not compressed on the way
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            raise requests.ConnectionError("the partial file does not fit; starting over")
        response.raise_for_status()
        resumed = response.status_code == requests.codes.partial_content
        if resumed:
            advance(have)
        with part.open("ab" if resumed else "wb") as file:
            for chunk in response.iter_content(CHUNK_BYTES):
                file.write(chunk)
                advance(len(chunk))


def _refused_for_good(error: Exception) -> bool:
    response = getattr(error, "response", None)
    return response is not None and response.status_code in (401, 403, 404)


def _why(artifact: Artifact, error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return (
            f"{artifact.coordinate}: the Maven repository answers {response.status_code} (MAVEN_MIRROR names another)"
        )
    return (
        f"{artifact.coordinate} could not be fetched ({type(error).__name__}): is there a network? What has come is "
        f"kept; run the same command again to go on (HTTPS_PROXY sets a proxy, MAVEN_MIRROR another Maven repository)"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
