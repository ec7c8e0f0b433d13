"""The client waits for the answer alone: what is kept of it is handed on once the answer was sent."""

import asyncio
import json
from pathlib import Path
from typing import Any

from api.app import create_app
from api.credit.answers import CreditAnswers
from api.credit.ports import RecordedAnswer
from api.credit.schemas import APPLICATION
from api.metrics import Metrics
from api.model import artifact
from api.model.registry import Registry
from api.service import Service
from api.settings import Settings
from api.training import credit


class Diary:
    """What happened, in its order: as the cache, as the recorder, and as the connection to the client."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.answers: list[RecordedAnswer] = []
        self.headers: dict[str, str] = {}

    async def read(self, _key: str, _field: str, _fits: object = None) -> bytes | None:
        self.happened.append("read")
        return None

    def write(self, _key: str, _field: str, _value: bytes) -> None:
        self.happened.append("written")

    def record(self, answered: RecordedAnswer) -> None:
        self.happened.append("recorded")
        self.answers.append(answered)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body" and not message.get("more_body"):
            self.happened.append("sent")


def test_an_answer_is_written_and_recorded_after_it_was_sent_and_a_refusal_never(tmp_path: Path) -> None:
    description, model = credit.train()
    artifact.save(tmp_path, description, model)
    artifact.serve_version(tmp_path, description.name, description.version)
    service = Service(Settings(models_dir=tmp_path), Registry(tmp_path), Metrics())
    service.refresh()
    diary = Diary()
    app = create_app(service)
    app.state.credit = CreditAnswers(service, diary, diary)

    async def ask(body: object) -> None:
        content = json.dumps(body).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/decisions",
            "raw_path": b"/decisions",
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await app(scope, receive, diary.send)

    asyncio.run(ask(APPLICATION))
    assert diary.happened == ["read", "sent", "written", "recorded"]
    [recorded] = diary.answers
    assert diary.headers["x-request-id"] == recorded.request_id
    assert diary.headers["x-cache"] == "miss"

    diary.happened.clear()
    asyncio.run(ask({**APPLICATION, "age_in_years": 3}))
    assert diary.happened == ["sent"]
    service.close()
