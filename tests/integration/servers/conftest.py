"""MLServer, as people run it: a folder of models, served by a process in an environment of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from stack.process import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ports import free_ports
from tests.servers import Servers

MODELS = Path(__file__).parent / "mlserver"


@pytest.fixture(scope="session")
def mlserver_bin() -> Path:
    """The folder of MLServer's programs."""
    folder = os.environ.get("MLSERVER")
    if not folder:
        pytest.skip("MLServer's packages are not ours; `make test-servers` installs them and runs this")
    return Path(folder)


class MLServer(Server):
    """`mlserver start` of a folder of models; `address` is where it serves."""

    def __init__(self, name: str, programs: Path, models: Path, logs: Path, **settings: object) -> None:
        http, grpc, metrics = free_ports(3)
        (models / "settings.json").write_text(
            json.dumps({"host": "127.0.0.1", "http_port": http, "grpc_port": grpc, "metrics_port": metrics, **settings})
        )
        self.address = f"http://127.0.0.1:{http}"
        super().__init__(
            name=name,
            command=[programs / "mlserver", "start", models],
            folder=logs,
            ready=lambda: requests.get(f"{self.address}/v2/health/live", timeout=2).ok,
            ports=[http, grpc, metrics],
            environment={"PATH": f"{programs}:{os.environ['PATH']}"},
            cwd=models,
        )

    def kill(self) -> None:
        """End it at once, with the processes that predict for it."""
        workers = psutil.Process(self.pid).children(recursive=True)
        super().kill()
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()


@pytest.fixture(scope="session")
def mlserver(mlserver_bin: Path, stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLServer]:
    """MLServer with its settings as they come, serving the models that train.py makes."""
    models = tmp_path_factory.mktemp("models")
    subprocess.run([mlserver_bin / "python", MODELS / "train.py", models], check=True, timeout=120)  # noqa: S603
    server = MLServer("mlserver", mlserver_bin, models, stack.folder)
    server.restart()
    yield server
    server.stop()


@pytest.fixture
def moody(mlserver_bin: Path, stack: Servers, tmp_path: Path) -> Iterator[MLServer]:
    """MLServer with the model of moody.py, which is loaded once there is a file `gate` in the test's folder."""
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(MODELS / "moody.py", models)
    (models / "model-settings.json").write_text(json.dumps({"name": "moody", "implementation": "moody.Moody"}))
    server = MLServer("mlserver-moody", mlserver_bin, models, stack.folder, parallel_workers=0)
    server.environment = {**server.environment, "MOODY_GATE": str(tmp_path / "gate")}
    server.restart()
    yield server
    server.kill()
