"""How the demo starts Grafana and Prometheus. Programs that only note how they were started stand in for them here."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import yaml

from stack.grafana import Viewers, find_grafana, grafana_environment, grafana_server, prometheus_server, scrape_config
from stack.settings import ROOT, Settings
from tests.stream import wait_until

FILES = ROOT / "grafana"
# writes down how it was started, then waits to be stopped
NOTES = '#!/bin/sh\n{ echo "$@"; env; } > "$NOTE.part"; mv "$NOTE.part" "$NOTE"; exec sleep 60\n'


def settings() -> Settings:
    return Settings(_env_file=ROOT / ".env.example").moved(700)


def install(home: Path, name: str, text: str = NOTES) -> Path:
    """A program in the folder `bin` of a Grafana's home."""
    program = home / "bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(text)
    program.chmod(0o755)
    (home / "conf").mkdir(exist_ok=True)
    (home / "conf" / "defaults.ini").touch()
    return program


@pytest.mark.parametrize(("name", "verb"), [("grafana", ["server"]), ("grafana-server", [])])
def test_grafana_is_found_on_the_path_or_in_its_home(name: str, verb: list[str], tmp_path: Path) -> None:
    program = install(tmp_path / "home", name)

    for environment in ({"PATH": str(program.parent)}, {"GRAFANA_HOME": str(tmp_path / "home"), "PATH": ""}):
        assert find_grafana(environment) == ([str(program), *verb], tmp_path / "home")


def test_a_linked_grafana_is_followed_to_its_home(tmp_path: Path) -> None:
    program = install(tmp_path / "home", "grafana")
    link = tmp_path / "bin" / "grafana"
    link.parent.mkdir()
    link.symlink_to(program)

    assert find_grafana({"PATH": str(link.parent)}) == ([str(link), "server"], tmp_path / "home")


def test_without_grafana_there_is_none(tmp_path: Path) -> None:
    assert find_grafana({"PATH": str(tmp_path)}) is None
    assert find_grafana({"GRAFANA_HOME": str(tmp_path)}) is None


def test_grafana_gets_our_files_and_the_stacks_addresses(tmp_path: Path) -> None:
    environment = grafana_environment(settings(), tmp_path)

    assert environment["TARGET_PORT"] == "6133"
    assert environment["PROMETHEUS_URL"] == "http://127.0.0.1:9790"
    assert (environment["GF_SERVER_HTTP_ADDR"], environment["GF_SERVER_HTTP_PORT"]) == ("127.0.0.1", "3700")
    assert environment["GF_SECURITY_ADMIN_USER"] == "dashboarduser"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"] == "dashboardpassword"
    assert environment["GF_DASHBOARDS_MIN_REFRESH_INTERVAL"] == "500ms"
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert {environment[f"{side}_SSLMODE"] for side in ("SOURCE", "TARGET")} == {"disable"}
    assert Path(environment["GF_PATHS_PROVISIONING"]) == FILES / "provisioning"
    assert Path(environment["GRAFANA_DASHBOARDS"]) == FILES / "dashboards"
    assert Path(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    assert all(Path(environment[f"GF_PATHS_{p}"]).is_relative_to(tmp_path) for p in ("DATA", "LOGS", "PLUGINS"))
    for name in ("REPORTING_ENABLED", "CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES"):
        assert environment[f"GF_ANALYTICS_{name}"] == "false"
    assert environment["GF_SECURITY_DISABLE_GRAVATAR"] == "true"


def test_prometheus_scrapes_the_stacks_own_addresses() -> None:
    shipped = yaml.safe_load((FILES / "prometheus.yml").read_text())
    config = yaml.safe_load(scrape_config(settings()))

    found = {job["job_name"]: job["static_configs"] for job in config["scrape_configs"]}
    assert found == {
        "api": [{"targets": ["127.0.0.1:8700"]}],
        "subscriber": [{"targets": ["127.0.0.1:8701"]}],
        "task-subscriber": [{"targets": ["127.0.0.1:8702"]}],
        "prometheus": [{"targets": ["127.0.0.1:9790"]}],
    }
    assert config["global"] == shipped["global"]
    assert not any("dns_sd_configs" in job for job in config["scrape_configs"])


def test_what_is_installed_is_started_and_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given both, as programs that note how they are started
    home, note = tmp_path / "home", tmp_path / "note"
    install(home, "grafana", NOTES.replace("$NOTE", f"{note}-grafana"))
    install(home, "prometheus", NOTES.replace("$NOTE", f"{note}-prometheus"))
    monkeypatch.setenv("GRAFANA_HOME", str(home))
    monkeypatch.setenv("PATH", f"{home / 'bin'}:/usr/bin:/bin")
    said: list[str] = []
    viewers = Viewers(settings(), tmp_path / "state", said.append)

    # when they are started
    viewers.start()
    try:
        for name in ("grafana", "prometheus"):
            wait_until(name, Path(f"{note}-{name}").exists)
    finally:
        viewers.stop()

    # then with our files, and the demo says where
    command, *environment = Path(f"{note}-grafana").read_text().splitlines()
    assert command == f"server --homepath {home}"
    assert "GF_SERVER_HTTP_PORT=3700" in environment
    (config,) = Path(f"{note}-prometheus").read_text().splitlines()[0].split()[:1]
    assert config == f"--config.file={tmp_path}/state/run/prometheus.yml"
    assert said == ["Grafana is starting: http://127.0.0.1:3700, signed in as dashboarduser"]
    assert not list((tmp_path / "state" / "run").glob("*.pid"))


def test_a_busy_port_leaves_the_demo_without_grafana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "home", "grafana")
    monkeypatch.setenv("GRAFANA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/nowhere")
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 3700))
        other.listen()

        Viewers(settings(), tmp_path / "state", said.append).start()

    (line,) = said
    assert line.startswith("without grafana: port 3700 (grafana) is in use")


def test_without_grafana_the_demo_starts_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "home", "prometheus")
    monkeypatch.delenv("GRAFANA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "home" / "bin"))
    said: list[str] = []

    Viewers(settings(), tmp_path / "state", said.append).start()

    assert grafana_server(settings(), tmp_path) is None
    assert prometheus_server(settings(), tmp_path) is not None
    assert said == []
    assert not (tmp_path / "state").exists()
