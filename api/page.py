"""A page's own files, read once, and what they tell a browser: to run and load nothing else."""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PAGE = "index.html"


def security(*, images: str = "'self'") -> dict[str, str]:
    """Headers of each of a page's files.

    Args:
        images: where images may come from, in the words of a content security policy.
    """
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {images}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # after an upgrade a page must not mix old files with new ones: always ask
        "Cache-Control": "no-cache",
    }


class Assets:
    """Answers with files and their ETags, so that a browser that has them is told just that.

    Args:
        package: in whose folder `static` the files are.
        types: media type by name; nothing else of the folder is served.
        headers: of every answer.
    """

    def __init__(self, package: str, types: Mapping[str, str], headers: Mapping[str, str]) -> None:
        self._package = package
        self._types = types
        self._headers = headers

    @cached_property
    def _files(self) -> dict[str, tuple[bytes, str]]:
        """Content and ETag by name."""
        folder = resources.files(self._package) / "static"
        contents = {name: (folder / name).read_bytes() for name in self._types}
        return {name: (data, f'"{hashlib.sha256(data).hexdigest()[:32]}"') for name, data in contents.items()}

    def answer(self, name: str, request: Request) -> Response:
        """The file; 304 if the browser has it.

        Raises:
            HTTPException: there is no such file (404).
        """
        if name not in self._types:
            raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such file")
        content, tag = self._files[name]
        headers = {**self._headers, "ETag": tag}
        known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
        if tag in known:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(content, headers=headers, media_type=self._types[name])
