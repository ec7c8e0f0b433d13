"""One endpoint before a model, with the API's own cache or without: `python -m benchmarks.answering PORT`.

MODEL_MS=0 predicts with the iris model, on the event loop. Else the model takes so many milliseconds in one of two
threads; it sleeps, so that what is measured does not hang on what else the machine does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.routing import Route

from api.cache.cache import cache_from_settings
from api.cache.keys import answer_key
from api.cache.read_through import ReadThrough
from api.cache.settings import CacheSettings
from api.training import iris

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

MODEL_MS = float(os.environ.get("MODEL_MS", "0"))
FIELD = "decisions"

_, model = iris.train()
threads = ThreadPoolExecutor(2)
cache = cache_from_settings(CacheSettings(), CollectorRegistry())
answers = ReadThrough(cache) if cache is not None else None


async def compute(features: dict[str, float]) -> bytes:
    """The model's answer, encoded."""
    if MODEL_MS:
        await asyncio.get_running_loop().run_in_executor(threads, time.sleep, MODEL_MS / 1000)
        return b'{"decision":"ACCEPT"}'
    row = np.array([list(features.values())])
    return json.dumps({"decision": int(model.predict(row)[0])}).encode()


async def decisions(request: Request) -> Response:
    """An answer, and where it comes from."""
    features: dict[str, float] = json.loads(await request.body())
    if answers is None or cache is None:
        return Response(await compute(features))
    key = answer_key("bench", "1", features)
    value, hit, to_write = await answers.get(key, FIELD, lambda: compute(features))
    keep = BackgroundTask(_keep, key, value) if to_write else None
    return Response(value, headers={"X-Cache": "hit" if hit else "miss"}, background=keep)


async def _keep(key: str, value: bytes) -> None:
    if cache is not None:
        cache.write(key, FIELD, value)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    if cache is not None:
        await cache.start()
    yield
    if cache is not None:
        await cache.close()


app = Starlette(routes=[Route(f"/{FIELD}", decisions, methods=["POST"])], lifespan=lifespan)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", loop="uvloop", http="httptools", ws="none")
