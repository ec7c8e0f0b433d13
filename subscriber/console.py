"""Metrics and health over HTTP, served from a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from subscriber.errors import WrongSetting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from subscriber.health import Health
    from subscriber.metrics import Registry
    from subscriber.settings import Settings


def application(health: Mapping[str, Health], registry: Registry) -> Starlette:
    """The console of the pipelines in `health`, by name."""

    def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    def ready(_: Request) -> Response:
        """200 while every pipeline predicts what arrives, else 503; says what each one is waiting for."""
        all_ready = all(h.ready for h in health.values())
        body = {"ready": all_ready, "pipelines": {name: h.snapshot() for name, h in health.items()}}
        return JSONResponse(body, 200 if all_ready else 503)

    def metrics(_: Request) -> Response:
        for name, h in health.items():
            registry.ready.labels(name).set(h.ready)
        return Response(generate_latest(registry.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", metrics)])


class Console:
    """Serves an application until `close`."""

    def __init__(self, settings: Settings, app: Starlette) -> None:
        self._socket = socket.socket(socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        address = (settings.subscriber_host, settings.subscriber_port)
        try:
            self._socket.bind(address)
        except OSError as error:
            raise WrongSetting(
                f"the console cannot listen on {address[0]}:{address[1]} ({error.strerror}): SUBSCRIBER_HOST and "
                f"SUBSCRIBER_PORT say where"
            ) from error
        self.address = "http://{}:{}".format(*self._socket.getsockname())
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="console", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(3)
        self._socket.close()
