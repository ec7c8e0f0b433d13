"""The server of one's own in docs/model-servers.md, word for word."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from stack.process import Server
from stack.settings import ROOT
from tests.ports import free_port
from tests.stream import flower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import psycopg

    from tests.servers import Servers
    from tests.stream import PipelineFile, SubscriberProcess, Topic


@pytest.fixture
def own(tmp_path: Path, stack: Servers) -> Iterator[str]:
    """The running server's address."""
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "model-servers.md").read_text(), re.DOTALL)
    assert len(text.splitlines()) <= 26
    (tmp_path / "server.py").write_text(text)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = Server(
        name="server-of-ones-own",
        command=[sys.executable, "-m", "uvicorn", "server:app", "--port", str(port)],
        folder=stack.folder,
        ready=lambda: requests.get(f"{address}/v2/models/flowers", timeout=2).ok,
        cwd=tmp_path,
    )
    server.restart()
    yield address
    server.stop()


def test_rows_are_predicted_exactly_once(
    own: str,
    pipeline: PipelineFile,
    topic: Topic,
    target: psycopg.Connection,
    subscribe: Callable[..., SubscriberProcess],
) -> None:
    pipeline.use(own)
    pipeline.replace("/v2/models/iris", "/v2/models/flowers")
    topic.write(flower(i) for i in range(300))

    subscribe()
    pipeline.wait_for(target, 300)

    pipeline.assert_exactly_once(target, range(300))
    versions = target.execute(f"select distinct model_version from {pipeline.table}").fetchall()
    assert versions == [("1",)]
