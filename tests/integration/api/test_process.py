import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from api.model import artifact
from api.model.description import Description
from examples.diabetes import train as diabetes

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

Wait = Callable[[Callable[[], bool]], None]
StartApi = Callable[..., "Api"]
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


def test_when_it_cannot_start_it_says_why_in_one_line(
    start_api: StartApi, api: "Api", models_dir: Path, tmp_path: Path
) -> None:
    # Given no trained model, a port that is taken, and a setting that is no number
    servers = {
        "model": start_api(tmp_path / "empty"),
        "port": start_api(models_dir, port=api.port),
        "setting": start_api(models_dir, MAX_ROWS="many"),
    }

    # When the API is started, then it ends with status 1 and one line of error each
    lines = {}
    for cause, server in servers.items():
        assert server.process.wait(timeout=60) == 1
        [lines[cause]] = [line for text in server.log().splitlines() if (line := json.loads(text))["level"] == "error"]
    assert "run `python -m api.train` first" in lines["model"]["event"]
    assert lines["port"]["event"] == f"cannot listen on 127.0.0.1:{api.port}: Address already in use"
    assert (lines["setting"]["event"], lines["setting"]["name"]) == ("wrong setting", "MAX_ROWS")


def test_any_model_is_enough_to_serve(start_api: StartApi, tmp_path: Path, wait_until: Wait) -> None:
    # Given no iris model, but another
    description, model = diabetes.train()
    artifact.save(tmp_path, description, model)
    artifact.serve_version(tmp_path, description.name, description.version)

    # When the API is started
    server = start_api(tmp_path)
    wait_until(server.ready)

    # Then it serves that one, and knows of no flower
    with httpx.Client(base_url=server.url) as client:
        inputs = [{"name": f.name, "shape": [1], "datatype": "FP64", "data": [1.0]} for f in description.features]
        answer = client.post("/v2/models/diabetes/infer", json={"inputs": inputs}).json()
        flower = client.post("/predict", json=ROW)
    assert [output["name"] for output in answer["outputs"]] == ["progression"]
    assert (flower.status_code, flower.json()["detail"]) == (404, "there is no model 'iris'")
    assert server.stop() == 0


def test_told_to_stop_it_finishes_the_request_in_hand(start_api: StartApi, models_dir: Path, wait_until: Wait) -> None:
    server = start_api(models_dir)
    wait_until(server.ready)

    # Given a request of which half is sent, and an idle connection
    body = json.dumps(ROW).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with (
        httpx.Client(base_url=server.url) as idle,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
    ):
        idle.get("/v2")
        connection.sendall(head.encode() + body[:20])
        # The server has the half once it answers a later request on another connection.
        idle.get("/v2")

        # When it is told to stop, and no longer listens
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not _listens(server.port))

        # Then the request is still answered, and the process ends well
        connection.sendall(body[20:])
        with connection.makefile("rb") as answer:
            text = answer.read()
    assert text.startswith(b"HTTP/1.1 200")
    assert text.endswith(b'{"iris_class":0}')
    assert server.process.wait(timeout=15) == 0
    assert "Traceback" not in server.log()


def test_a_newly_trained_version_is_served_without_a_restart(
    start_api: StartApi, trained: tuple[Description, Pipeline], tmp_path: Path, wait_until: Wait
) -> None:
    # Given a running API
    models_dir = tmp_path / "models"
    artifact.save(models_dir, *trained)
    artifact.serve_version(models_dir, "iris", trained[0].version)
    server = start_api(models_dir, MODEL_REFRESH_SECONDS="0.02")
    wait_until(server.ready)
    assert httpx.post(f"{server.url}/predict", json=ROW).json() == {"iris_class": 0}

    # When another version is stored and pointed at
    other = DummyClassifier(strategy="constant", constant=2).fit([[0.0] * 4] * 3, [0, 1, 2])
    artifact.save(models_dir, msgspec.structs.replace(trained[0], version="other"), other)
    artifact.serve_version(models_dir, "iris", "other")

    # Then it answers, and the version before still does when asked by name
    wait_until(lambda: httpx.post(f"{server.url}/predict", json=ROW).json() == {"iris_class": 2})
    assert httpx.get(f"{server.url}/v2/models/iris").json()["parameters"]["version"] == "other"
    tensor = {"name": "rows", "shape": [1, 4], "datatype": "FP64", "data": list(ROW.values())}
    before = f"{server.url}/v2/models/iris/versions/{trained[0].version}/infer"
    assert httpx.post(before, json={"inputs": [tensor]}).json()["outputs"][0]["data"] == [0]

    # And a pointer that leads nowhere is logged, and changes nothing
    artifact.serve_version(models_dir, "iris", "absent")
    wait_until(lambda: "model not replaced" in server.log())
    assert httpx.post(f"{server.url}/predict", json=ROW).json() == {"iris_class": 2}
    assert server.stop() == 0


def test_a_failing_or_broken_model_is_a_500_that_shows_nothing_inside(
    start_api: StartApi, trained: tuple[Description, Pipeline], tmp_path: Path, wait_until: Wait
) -> None:
    # Given a version fitted to three features instead of four, and one whose file is cut short
    models_dir = tmp_path / "models"
    artifact.save(models_dir, *trained)
    artifact.serve_version(models_dir, "iris", trained[0].version)
    narrow = make_pipeline(StandardScaler(), SVC()).fit([[0.0, 0, 0], [1.0, 1, 1]], [0, 1])
    artifact.save(models_dir, msgspec.structs.replace(trained[0], version="narrow"), narrow)
    artifact.save(models_dir, msgspec.structs.replace(trained[0], version="cut"), narrow)
    (models_dir / "iris" / "cut" / artifact.FITTED).write_bytes(b"PK")
    server = start_api(models_dir)
    wait_until(server.ready)

    # When they are asked
    tensor = {"name": "rows", "shape": [1, 4], "datatype": "FP64", "data": list(ROW.values())}
    answers = {
        version: httpx.post(f"{server.url}/v2/models/iris/versions/{version}/infer", json={"inputs": [tensor]})
        for version in ("narrow", "cut")
    }

    # Then both are errors of the server, told in a sentence, and the log has the cause
    assert [answer.status_code for answer in answers.values()] == [500, 500]
    assert answers["narrow"].json() == {"error": "model 'iris' version 'narrow' failed on 1 rows"}
    assert "is not the file" in answers["cut"].json()["error"]
    assert "features" not in answers["narrow"].text
    assert "X has 4 features" in server.log()

    # And Ctrl-C ends it as well as SIGTERM does
    assert server.stop(signal.SIGINT) == 0


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_models_that_come_with_the_program_are_served(
    start_api: StartApi, models_dir: Path, tmp_path: Path, wait_until: Wait
) -> None:
    # Given an empty folder for the models, and one that cannot be written to
    (tmp_path / "file").write_text("")
    served = start_api(tmp_path / "models", MODELS_SEED_DIR=str(models_dir))
    stuck = start_api(tmp_path / "file" / "models", MODELS_SEED_DIR=str(models_dir))

    # Then the first is filled, and of the second it is said what is wrong
    wait_until(served.ready)
    assert stuck.process.wait(30) == 1
    assert "MODELS_DIR" in stuck.log()
    assert "Traceback" not in stuck.log()
