"""The page of tasks at `/tasks/`; what it asks for, it asks of the routes of tasks."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.page import PAGE, Assets, security

ASSETS = Assets(
    "api.tasks.page",
    {
        PAGE: "text/html",
        "tasks.css": "text/css",
        "tasks.js": "text/javascript",
        "session.js": "text/javascript",
        "submit.js": "text/javascript",
        "list.js": "text/javascript",
        "download.js": "text/javascript",
        "words.js": "text/javascript",
        "icon.svg": "image/svg+xml",
    },
    security(),
)
page_router = APIRouter(prefix="/tasks", include_in_schema=False, default_response_class=Response)


@page_router.get("/")
async def page(request: Request) -> Response:
    """Where one signs in, hands over rows, and sees what becomes of them."""
    return ASSETS.answer(PAGE, request)


@page_router.get("/static/{name}")
async def static(request: Request, name: str) -> Response:
    """The page's own files."""
    return ASSETS.answer(name, request)
