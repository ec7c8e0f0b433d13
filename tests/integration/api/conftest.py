import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sklearn.pipeline import Pipeline

from api.model import artifact
from api.model.description import Description
from api.monitoring.recorder import Recorder
from api.training import credit, iris
from stack.process import listening
from stack.seaweedfs import INNER_PORTS, SeaweedFS, Store
from stack.servers import archive_store
from stack.settings import Settings
from stack.valkey import Account, Valkey
from tests.accounts import Runner
from tests.archiving import Archiving, Bucket
from tests.recording import MonitoringDatabase, monitoring_database
from tests.servers import Servers

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 30
# Spread by process id, so that two runs on one machine rarely try the same port; never one port twice in a run.
_offset = os.getpid() % 1000
_ports: Iterator[int] = iter([*range(21000 + _offset, 22000), *range(21000, 21000 + _offset)])


def _free_port() -> int:
    for port in _ports:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Api:
    """`python -m api` as a process of its own, its log lines in a file."""

    def __init__(self, folder: Path, models_dir: Path, port: int | None = None, **settings: str) -> None:
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"api-{self.port}.log"
        environment = os.environ | {"MODELS_DIR": str(models_dir), "API_PORT": str(self.port)}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api"], cwd=ROOT, env=environment | settings, stderr=log, stdout=log
            )

    def log(self) -> str:
        return self._log.read_text()

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}/v2/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=15)


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Give a function that returns once a condition holds, and fails if it never does."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the condition never held"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def trained() -> tuple[Description, Pipeline]:
    return iris.train()


@pytest.fixture(scope="session")
def models_dir(trained: tuple[Description, Pipeline], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the trained iris model, to be read only."""
    folder = tmp_path_factory.mktemp("models")
    artifact.save(folder, *trained)
    artifact.serve_version(folder, "iris", trained[0].version)
    return folder


@pytest.fixture(scope="session")
def api(
    models_dir: Path, tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[[Callable[[], bool]], None]
) -> Iterator[Api]:
    """Give a running API with small limits, shared by the tests that leave it as it is."""
    server = Api(tmp_path_factory.mktemp("api"), models_dir, MAX_BODY_BYTES="500000", MAX_ROWS="5000")
    try:
        wait_until(server.ready)
        yield server
        assert server.stop() == 0, server.log()
        assert "Traceback" not in server.log()
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def own_models(trained: tuple[Description, Pipeline], tmp_path: Path) -> Path:
    """Give a folder with the trained iris model, to which a test may add."""
    folder = tmp_path / "models"
    artifact.save(folder, *trained)
    artifact.serve_version(folder, "iris", trained[0].version)
    return folder


@pytest.fixture(scope="session")
def new_api() -> type[Api]:
    """Give what starts an API, which the caller stops."""
    return Api


@pytest.fixture(scope="session")
def credit_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the trained credit model, to be read only."""
    folder = tmp_path_factory.mktemp("credit")
    description, model = credit.train()
    artifact.save(folder, description, model)
    artifact.serve_version(folder, description.name, description.version)
    return folder


@pytest.fixture(scope="session")
def credit_api(
    credit_dir: Path, tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[[Callable[[], bool]], None]
) -> Iterator[Api]:
    """Give a running API that has the credit model alone, shared by the tests that leave it as it is."""
    server = Api(tmp_path_factory.mktemp("credit-api"), credit_dir)
    try:
        wait_until(server.ready)
        yield server
        assert server.stop() == 0, server.log()
        assert "Traceback" not in server.log()
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def client(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url, timeout=10) as client:
        yield client


@pytest.fixture
def start_api(tmp_path: Path) -> Iterator[Callable[..., Api]]:
    """Give a function that starts an API of the test's own."""
    started: list[Api] = []

    def start(models_dir: Path, port: int | None = None, **settings: str) -> Api:
        started.append(Api(tmp_path, models_dir, port, **settings))
        return started[-1]

    yield start
    for server in started:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def monitoring(stack: Servers, name: str, tmp_path: Path) -> Iterator[MonitoringDatabase]:
    """Give a monitoring database of the test's own, still empty, with a folder for what waits."""
    with monitoring_database(stack, name, tmp_path / "spill") as database:
        yield database


@pytest.fixture
def recorder(monitoring: MonitoringDatabase) -> Iterator[Callable[..., Recorder]]:
    """Give a function that starts a recorder; all are closed with the test."""
    started: list[Recorder] = []

    def start(**settings: object) -> Recorder:
        started.append(monitoring.recorder(**settings))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def start_valkey(tmp_path: Path) -> Iterator[Callable[..., Valkey]]:
    """Give a function that starts a cache server of the test's own, with options instead of ours."""
    started: list[Valkey] = []

    def start(**more: str) -> Valkey:
        account = Account(_free_port(), "cacheuser", "cache pass=word'\"#")
        options = {name.replace("_", "-"): value for name, value in more.items()}
        server = Valkey(account, tmp_path / f"valkey-{account.port}", options)
        server.prepare()
        server.restart()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def bucket(stack: Servers) -> Iterator[Bucket]:
    """Give the shared archive's bucket, which has other tests' objects too."""
    if not stack.archive.running:
        stack.archive.restart()
    bucket = Bucket(archive_store(stack.settings))
    yield bucket
    bucket.client.close()


@pytest.fixture
def spool_dir(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def archiving(bucket: Bucket, spool_dir: Path) -> Iterator[Callable[..., Archiving]]:
    """Give a function that starts an archiver on the shared archive, or on another; all are closed with the test."""
    started: list[Archiving] = []

    def start(store: Store = bucket.store, **settings: object) -> Archiving:
        started.append(Archiving(store, spool_dir, **settings))
        started[-1].archiver.start()
        return started[-1]

    yield start
    for one in started:
        one.archiver.close()


@contextmanager
def archive_server(folder: Path) -> Iterator[SeaweedFS]:
    """An archive server that nobody else uses, with its bucket."""
    for _ in range(100):
        port = _free_port()
        inner = [port + above for above in INNER_PORTS.values()]
        if max(inner) < 32768 and not any(listening(each) for each in inner):
            break
    server = SeaweedFS(Store(port, "production", "us-east-1", "archiveuser", "archive pass=word'\"#"), folder, {})
    server.prepare()
    server.restart()
    yield server
    server.stop()


@pytest.fixture
def own_archive(tmp_path: Path) -> Iterator[SeaweedFS]:
    """Give an archive server of the test's own, with its bucket."""
    with archive_server(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def module_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """Give an archive server for the tests of one file."""
    with archive_server(tmp_path_factory.mktemp("archive")) as server:
        yield server


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Runner:
    """Give what runs a scenario with a client of an API that takes tasks, in this process."""
    return Runner(settings, tmp_path)
