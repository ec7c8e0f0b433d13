"""The page's own files, read once, and what they tell a browser: to run and load nothing else."""

import hashlib
from http import HTTPStatus
from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PAGE = "index.html"
# name -> media type; nothing else of the folder is served
FILES = {
    PAGE: "text/html",
    "images.css": "text/css",
    "images.js": "text/javascript",
    "drawing.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
SECURITY = {
    # blob: is the picture that was chosen, before it is sent
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # after an upgrade a page must not mix old files with new ones: always ask
    "Cache-Control": "no-cache",
}


class Assets:
    """Answers with files and their ETags, so that a browser that has them is told just that."""

    def __init__(self) -> None:
        folder = resources.files("api.images") / "static"
        self._files = {name: (folder / name).read_bytes() for name in FILES}
        self._tags = {name: f'"{hashlib.sha256(content).hexdigest()[:32]}"' for name, content in self._files.items()}

    def answer(self, name: str, request: Request) -> Response:
        """The file; 304 if the browser has it.

        Raises:
            HTTPException: there is no such file (404).
        """
        if name not in self._files:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such file")
        headers = SECURITY | {"ETag": self._tags[name]}
        known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if self._tags[name] in known:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(self._files[name], headers=headers, media_type=FILES[name])
