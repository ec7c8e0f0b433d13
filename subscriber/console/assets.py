"""The page's own files, read once."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

PAGE: Final = "index.html"
# name -> media type; nothing else of the folder is served
FILES: Final = {
    PAGE: "text/html",
    "console.css": "text/css",
    "console.js": "text/javascript",
    "charts.js": "text/javascript",
    "parts.js": "text/javascript",
    "words.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "vendor/uPlot.iife.min.js": "text/javascript",
    "vendor/uPlot.min.css": "text/css",
}


class Assets:
    """Answers with files and their ETags, so that a browser that has them is told just that."""

    def __init__(self) -> None:
        folder = resources.files("subscriber.console") / "static"
        self._files = {name: (folder / name).read_bytes() for name in FILES}
        self._tags = {name: f'"{hashlib.sha256(content).hexdigest()[:32]}"' for name, content in self._files.items()}

    def answer(self, name: str, request: Request) -> Response:
        """The file; 304 if the browser has it, 404 if there is none."""
        if name not in self._files:
            return Response("there is no such file\n", 404, media_type="text/plain")
        # after an upgrade a page must not mix old files with new ones: always ask
        headers = {"ETag": self._tags[name], "Cache-Control": "no-cache"}
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if self._tags[name] in known:
            return Response(status_code=304, headers=headers)
        return Response(self._files[name], headers=headers, media_type=FILES[name])
