"""Downloads end whole or with a clear line, over any connection; a second run fetches nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stack import artifacts, lock
from stack.artifacts import ATTEMPTS, PARALLEL, Artifact, fetch, read_lock
from stack.errors import DownloadFailed
from stack.settings import LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 64
CONTENT = bytes(range(256)) * 8


class Repository:
    """A Maven repository of a few files.

    `cuts` holds, for the answers to come, after how many bytes of the body the connection breaks; `ranges` says whether
    a part of a file may be asked for; `seen` keeps the path and the Range header of each request.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cuts: list[int] = []
        self.ranges = True
        self.status = 200
        self.seen: list[tuple[str, str | None]] = []
        self.sent = 0
        self.together = threading.Barrier(1)
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers["Range"]
                assert self.headers["Accept-Encoding"] == "identity"
                repository.seen.append((self.path, asked))
                repository.together.wait(20)
                content = repository.files.get(self.path.removeprefix("/maven/"))
                if repository.status != 200 or content is None:
                    self.send_error(repository.status if content is not None else 404)
                    return
                start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and repository.ranges else 0
                if start and start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                body = content[start:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if repository.cuts:
                    body = body[: repository.cuts.pop(0)]
                repository.sent += len(body)
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/maven"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def offer(self, name: str = "a", content: bytes = CONTENT) -> Artifact:
        """Put a file in the repository; returns what the lock would say of it."""
        artifact = Artifact("g", f"org.example:{name}:1:jar", hashlib.sha256(content).hexdigest(), len(content))
        self.files[artifact.path] = content
        return artifact


class Watched:
    """What a fetch told: bytes that are there, and the waits between attempts."""

    def __init__(self) -> None:
        self.bytes = 0
        self.waits: list[float] = []

    def advance(self, count: int) -> None:
        self.bytes += count

    def fetch(self, *wanted: Artifact, into: Path) -> list[Path]:
        found = fetch(wanted, into, self.advance, self.waits.append)
        assert list(found) == list(wanted)
        return list(found.values())


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.setattr(artifacts, "CHUNK_BYTES", CHUNK)
    with Repository() as repository:
        monkeypatch.setenv("MAVEN_MIRROR", repository.address)
        yield repository


@pytest.fixture
def watched() -> Watched:
    return Watched()


def leftover(artifact: Artifact, cache: Path, pid: int, content: bytes) -> Path:
    """Give a partial file as process `pid` would leave it."""
    path = cache / artifact.path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{pid}.part")
    part.write_bytes(content)
    return part


def files_below(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


@pytest.fixture
def gone() -> int:
    """Give the number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_file_comes_whole(repository: Repository, watched: Watched, tmp_path: Path) -> None:
    artifact = repository.offer()

    (path,) = watched.fetch(artifact, into=tmp_path)

    assert path == tmp_path / "org/example/a/1/a-1.jar"
    assert path.read_bytes() == CONTENT
    assert files_below(tmp_path) == [path]
    assert (watched.bytes, watched.waits) == (len(CONTENT), [])
    assert repository.seen == [("/maven/org/example/a/1/a-1.jar", None)]


def test_a_second_time_nothing_is_fetched(repository: Repository, watched: Watched, tmp_path: Path) -> None:
    wanted = [repository.offer(name) for name in ("a", "b")]
    Watched().fetch(*wanted, into=tmp_path)
    repository.seen.clear()

    paths = watched.fetch(*wanted, into=tmp_path)

    assert [path.read_bytes() for path in paths] == [CONTENT, CONTENT]
    assert repository.seen == []
    assert watched.bytes == 2 * len(CONTENT)


def test_a_file_that_is_not_whole_is_fetched_again(repository: Repository, watched: Watched, tmp_path: Path) -> None:
    artifact = repository.offer()
    (path,) = Watched().fetch(artifact, into=tmp_path)
    path.write_bytes(CONTENT[:-1])

    watched.fetch(artifact, into=tmp_path)

    assert path.read_bytes() == CONTENT


def test_a_cut_connection_is_gone_on_from_where_it_was(
    repository: Repository, watched: Watched, tmp_path: Path
) -> None:
    artifact = repository.offer()
    repository.cuts = [10 * CHUNK]

    (path,) = watched.fetch(artifact, into=tmp_path)

    assert path.read_bytes() == CONTENT
    assert [asked for _, asked in repository.seen] == [None, f"bytes={10 * CHUNK}-"]
    assert repository.sent == len(CONTENT)
    assert (watched.bytes, watched.waits) == (len(CONTENT), [1.0])


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=ATTEMPTS - 1), ranges=st.booleans())
def test_however_connections_break_the_file_comes_whole(cuts: list[int], ranges: bool) -> None:
    with Repository() as repository, tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setattr(artifacts, "CHUNK_BYTES", CHUNK)
        patch.setenv("MAVEN_MIRROR", repository.address)
        artifact = repository.offer()
        repository.cuts, repository.ranges = cuts, ranges
        watched = Watched()

        (path,) = watched.fetch(artifact, into=Path(cache))

        assert path.read_bytes() == CONTENT
        assert watched.bytes == len(CONTENT)


def test_a_repository_that_knows_no_ranges_sends_it_all_again(
    repository: Repository, watched: Watched, tmp_path: Path
) -> None:
    artifact = repository.offer()
    repository.cuts, repository.ranges = [10 * CHUNK], False

    (path,) = watched.fetch(artifact, into=tmp_path)

    assert path.read_bytes() == CONTENT
    assert repository.sent == 10 * CHUNK + len(CONTENT)
    assert watched.bytes == len(CONTENT)


def test_bytes_that_are_not_those_of_the_lock_are_never_kept(
    repository: Repository, watched: Watched, tmp_path: Path
) -> None:
    artifact = repository.offer()
    repository.files[artifact.path] = CONTENT[:-1] + b"!"

    with pytest.raises(DownloadFailed, match=r"org\.example:a:1:jar: 5 downloads did not match the hash"):
        watched.fetch(artifact, into=tmp_path)

    assert len(repository.seen) == ATTEMPTS
    assert files_below(tmp_path) == []
    assert watched.bytes == 0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_file_that_will_not_be_given_is_asked_for_once(
    repository: Repository, watched: Watched, tmp_path: Path, status: int
) -> None:
    artifact = repository.offer()
    repository.status = status

    with pytest.raises(DownloadFailed) as raised:
        watched.fetch(artifact, into=tmp_path)

    assert str(raised.value) == (
        f"org.example:a:1:jar: the Maven repository answers {status} (MAVEN_MIRROR names another)"
    )
    assert (len(repository.seen), watched.waits) == (1, [])


def test_a_repository_in_trouble_is_asked_a_few_times(repository: Repository, watched: Watched, tmp_path: Path) -> None:
    artifact = repository.offer()
    repository.status = 503

    with pytest.raises(DownloadFailed, match="answers 503"):
        watched.fetch(artifact, into=tmp_path)

    assert len(repository.seen) == ATTEMPTS
    assert watched.waits == [1.0, 2.0, 4.0, 5.0]


def test_a_repository_that_is_away_is_told_with_what_to_do(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Repository() as repository:
        artifact = repository.offer()
    monkeypatch.setenv("MAVEN_MIRROR", repository.address)

    with pytest.raises(DownloadFailed) as raised:
        watched.fetch(artifact, into=tmp_path)

    said = str(raised.value)
    assert said.startswith("org.example:a:1:jar could not be fetched (ConnectionError): is there a network?")
    assert "run the same command again" in said
    assert "\n" not in said
    assert len(watched.waits) == ATTEMPTS - 1


def test_what_has_come_is_kept_for_the_next_time(repository: Repository, watched: Watched, tmp_path: Path) -> None:
    # given a connection that broke each time
    artifact = repository.offer()
    repository.cuts = [CHUNK] * ATTEMPTS
    with pytest.raises(DownloadFailed):
        Watched().fetch(artifact, into=tmp_path)
    repository.seen.clear()

    # when the same is fetched again
    (path,) = watched.fetch(artifact, into=tmp_path)

    # then it goes on from there
    assert [asked for _, asked in repository.seen] == [f"bytes={ATTEMPTS * CHUNK}-"]
    assert path.read_bytes() == CONTENT
    assert watched.bytes == len(CONTENT)


def test_a_full_disk_is_told_at_once(
    repository: Repository, watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = repository.offer()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(artifacts, "_download", full)

    with pytest.raises(DownloadFailed, match="no space left on the disk"):
        watched.fetch(artifact, into=tmp_path)
    assert watched.waits == []


def test_several_files_come_at_the_same_time(repository: Repository, watched: Watched, tmp_path: Path) -> None:
    # given a repository that answers only when so many are asked for at once
    repository.together = threading.Barrier(PARALLEL)
    wanted = [repository.offer(f"a{i}", CONTENT + bytes([i])) for i in range(PARALLEL)]

    paths = watched.fetch(*wanted, into=tmp_path)

    assert [path.read_bytes() for path in paths] == [CONTENT + bytes([i]) for i in range(PARALLEL)]
    assert watched.bytes == PARALLEL * (len(CONTENT) + 1)


def test_what_a_process_that_is_gone_left_behind_is_gone_on_with(
    repository: Repository, watched: Watched, tmp_path: Path, gone: int
) -> None:
    artifact = repository.offer()
    leftover(artifact, tmp_path, gone, CONTENT[:1000])

    (path,) = watched.fetch(artifact, into=tmp_path)

    assert [asked for _, asked in repository.seen] == ["bytes=1000-"]
    assert path.read_bytes() == CONTENT
    assert files_below(tmp_path) == [path]
    assert watched.bytes == len(CONTENT)


def test_what_another_process_is_writing_is_left_alone(
    repository: Repository, watched: Watched, tmp_path: Path
) -> None:
    artifact = repository.offer()
    part = leftover(artifact, tmp_path, os.getppid(), CONTENT[:1000])

    (path,) = watched.fetch(artifact, into=tmp_path)

    assert path.read_bytes() == CONTENT
    assert part.read_bytes() == CONTENT[:1000]


@pytest.mark.parametrize(
    "content", [CONTENT, CONTENT + b"more", b"wrong" * 100, b""], ids=["whole", "too long", "wrong", "empty"]
)
def test_whatever_was_left_behind_the_file_comes_whole(
    repository: Repository, watched: Watched, tmp_path: Path, gone: int, content: bytes
) -> None:
    artifact = repository.offer()
    leftover(artifact, tmp_path, gone, content)

    (path,) = watched.fetch(artifact, into=tmp_path)

    assert path.read_bytes() == CONTENT
    assert files_below(tmp_path) == [path]
    assert watched.bytes == len(CONTENT)


@pytest.mark.parametrize(
    ("coordinate", "path"),
    [
        ("a.b:c:1:jar", "a/b/c/1/c-1.jar"),
        ("a.b.c:d-e_2.13:4.3.1:jar", "a/b/c/d-e_2.13/4.3.1/d-e_2.13-4.3.1.jar"),
        ("a:c:3.6.0.Final:tar.gz:plugin", "a/c/3.6.0.Final/c-3.6.0.Final-plugin.tar.gz"),
    ],
)
def test_a_coordinate_says_where_a_file_is(coordinate: str, path: str) -> None:
    assert Artifact("g", coordinate, "", 0).path == path


def test_a_lock_is_read_by_its_groups(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_text("# a comment\n\nkafka a:b:1:jar 00ff 10\nother a:c:1:jar 11ee 20\n")

    assert read_lock(file, {"kafka"}) == [Artifact("kafka", "a:b:1:jar", "00ff", 10)]
    assert read_lock(file, {"kafka", "other"})[1].size == 20
    assert read_lock(file, set()) == []


GROUPS = {"kafka", "debezium", *(f"postgres-{platform}" for platform in lock.PLATFORMS)}


def test_the_lock_is_well_formed() -> None:
    lines = [line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#")]

    assert {group for group, *_ in lines} == GROUPS
    assert all(len(line) == 4 for line in lines)
    assert "://" not in LOCK.read_text()
    locked = read_lock(LOCK, GROUPS)
    assert len(locked) == len(lines) == len({artifact.path for artifact in locked})
    for artifact in locked:
        assert len(artifact.sha256) == 64
        assert set(artifact.sha256) <= set("0123456789abcdef")
        assert artifact.size > 0


def test_the_lock_holds_the_versions_that_are_asked_for() -> None:
    coordinates = {artifact.coordinate for artifact in read_lock(LOCK, GROUPS)}

    assert {f"{root}:jar" for root in lock.KAFKA_ROOTS} <= coordinates
    assert f"io.debezium:debezium-connector-postgres:{lock.DEBEZIUM}:tar.gz:plugin" in coordinates
    for platform in lock.PLATFORMS:
        assert f"io.zonky.test.postgres:embedded-postgres-binaries-{platform}:{lock.POSTGRES}:jar" in coordinates
