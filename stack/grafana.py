"""Grafana and Prometheus beside the demo, where they are installed: with the files that docker compose uses."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from stack.errors import StackError
from stack.process import Server
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stack.settings import Settings

FILES = ROOT / "grafana"
# where packages put Grafana's own files, if not two folders above its program
HOMES = (
    Path("/usr/share/grafana"),
    Path("/usr/local/share/grafana"),
    Path("/opt/homebrew/opt/grafana/share/grafana"),
    Path("/usr/local/opt/grafana/share/grafana"),
)
DISCOVERED = re.compile(r"dns_sd_configs:\n(?P<indent> +)- \{ names: \[(?P<name>[\w-]+)\].*\}\n")


def find_grafana(environment: Mapping[str, str]) -> tuple[list[str], Path] | None:
    """The command that starts Grafana's server and the folder of its own files, or None if it is not installed.

    It is looked for in GRAFANA_HOME, else on the PATH.
    """
    home = environment.get("GRAFANA_HOME")
    path = str(Path(home) / "bin") if home else environment.get("PATH")
    for name, verb in (("grafana", ["server"]), ("grafana-server", [])):
        program = shutil.which(name, path=path)
        if program is None:
            continue
        beside = Path(program).resolve().parent.parent
        for folder in (Path(home),) if home else (beside, beside / "share" / "grafana", *HOMES):
            if (folder / "conf" / "defaults.ini").is_file():
                return [program, *verb], folder
    return None


def grafana_environment(settings: Settings, folder: Path) -> dict[str, str]:
    """What Grafana is started with: the settings that its files name, and its own as `GF_…`."""
    listen = urlsplit(settings.grafana_url)
    lines = (FILES / "grafana.env").read_text().splitlines()
    data = folder / "data" / "grafana"
    return {
        **settings.environment(),
        **dict(line.split("=", 1) for line in lines if line and not line.startswith("#")),
        # the stack's own databases speak no TLS
        **dict.fromkeys(("SOURCE_SSLMODE", "TARGET_SSLMODE", "MONITORING_SSLMODE"), "disable"),
        **dict.fromkeys(("SOURCE_SSLROOTCERT", "TARGET_SSLROOTCERT", "MONITORING_SSLROOTCERT"), ""),
        "GRAFANA_DASHBOARDS": str(FILES / "dashboards"),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(FILES / "dashboards" / "iris-stream.json"),
        "GF_SERVER_HTTP_ADDR": listen.hostname or "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(listen.port or 3000),
        "GF_SERVER_ROOT_URL": settings.grafana_url,
        "GF_SECURITY_ADMIN_USER": settings.grafana_user,
        "GF_SECURITY_ADMIN_PASSWORD": settings.grafana_password.get_secret_value(),
        "GF_PATHS_DATA": str(data),
        "GF_PATHS_LOGS": str(data / "log"),
        "GF_PATHS_PLUGINS": str(data / "plugins"),
        "GF_PATHS_PROVISIONING": str(FILES / "provisioning"),
    }


def scrape_config(settings: Settings) -> str:
    """`grafana/prometheus.yml` with the stack's addresses in place of the containers' names."""
    api, prometheus = urlsplit(settings.api_url).netloc, urlsplit(settings.prometheus_url).netloc
    addresses = {
        "api-with-model": api,
        "data-subscriber": f"{settings.subscriber_host}:{settings.subscriber_port}",
        "task-subscriber": f"{settings.subscriber_host}:{settings.task_subscriber_port}",
    }
    text = (FILES / "prometheus.yml").read_text().replace('"127.0.0.1:9090"', f'"{prometheus}"')
    return DISCOVERED.sub(
        lambda found: f'static_configs:\n{found["indent"]}- {{ targets: ["{addresses[found["name"]]}"] }}\n', text
    )


def grafana_server(settings: Settings, folder: Path) -> Server | None:
    """Grafana, if it is installed."""
    found = find_grafana(os.environ)
    if found is None:
        return None
    command, home = found
    return Server(
        name="grafana",
        command=[*command, "--homepath", home],
        folder=folder,
        ready=lambda: requests.get(f"{settings.grafana_url}/api/health", timeout=2).ok,
        ports=[urlsplit(settings.grafana_url).port or 3000],
        environment=grafana_environment(settings, folder),
        cwd=home,
        stop_seconds=10.0,
    )


def prometheus_server(settings: Settings, folder: Path) -> Server | None:
    """Prometheus, if it is installed."""
    program = shutil.which("prometheus")
    if program is None:
        return None
    configuration = folder / "run" / "prometheus.yml"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(scrape_config(settings))
    listen = urlsplit(settings.prometheus_url)
    return Server(
        name="prometheus",
        command=[
            program,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data' / 'prometheus'}",
            "--storage.tsdb.retention.time=1d",
            f"--web.listen-address={listen.netloc}",
            "--log.level=warn",
        ],
        folder=folder,
        ready=lambda: requests.get(f"{settings.prometheus_url}/-/ready", timeout=2).ok,
        ports=[listen.port or 9090],
        stop_seconds=10.0,
    )


class Viewers:
    """Grafana, and Prometheus for it. The demo goes on without them: whatever fails here is said and left."""

    def __init__(self, settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._folder = folder
        self._say = say
        self._started: list[Server] = []

    def start(self) -> None:
        """Start what is installed, and do not wait for it."""
        grafana = grafana_server(self._settings, self._folder)
        if grafana is None:
            return
        prometheus = prometheus_server(self._settings, self._folder)
        if prometheus is not None:
            self._start(prometheus)
        if self._start(grafana):
            self._say(f"Grafana is starting: {self._settings.grafana_url}, signed in as {self._settings.grafana_user}")

    def stop(self) -> None:
        while self._started:
            self._started.pop().stop()

    def _start(self, server: Server) -> bool:
        try:
            server.start()
        except StackError as error:
            self._say(f"without {server.name}: {error}")
            return False
        self._started.append(server)
        return True
