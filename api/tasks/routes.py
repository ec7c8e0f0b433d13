from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.accounts.dependency import READ, WRITE, Account, signed_in
from api.problems import ProblemRoute
from api.tasks.documentation import FILES, SUBMISSION, refusals
from api.tasks.errors import FieldsError, UnknownTaskError
from api.tasks.formats.format import Format, accepted
from api.tasks.schemas import Progress, ServedModels, Status, Task, TaskList
from api.tasks.service import TaskService
from api.tasks.submission import submitted

router = APIRouter(tags=["tasks"], route_class=ProblemRoute)

Reader = Annotated[Account, signed_in(READ)]
Writer = Annotated[Account, signed_in(WRITE)]
TASKS_PATH = "/tasks"
PAGE, MOST = 50, 500


def _tasks(request: Request) -> TaskService:
    tasks: TaskService = request.app.state.tasks
    return tasks


def _id(task_id: str) -> UUID:
    """A task's id as it was told. `UUID` takes blanks, line ends and foreign digits too, which no name of a file does.

    Raises:
        UnknownTaskError: what is no id names no task.
    """
    try:
        found = UUID(task_id)
    except ValueError:
        raise UnknownTaskError from None
    if str(found) != task_id.lower():
        raise UnknownTaskError
    return found


@router.get("/models", summary="Which models there are", responses=refusals(401, 403, 503))
async def models(request: Request, _account: Reader) -> ServedModels:
    """List the models that are served, what they take and give, and which of them take tasks."""
    return ServedModels(models=await _tasks(request).catalogue.models())


@router.post(
    TASKS_PATH,
    status_code=202,
    summary="Have rows predicted",
    openapi_extra=SUBMISSION,
    response_model=Task,
    responses={
        202: {
            "description": "The task is made; its rows are predicted from now on.",
            "headers": {
                "Location": {"description": "Where the task is.", "schema": {"type": "string"}},
                "Idempotency-Replayed": {
                    "description": "`true` where an earlier request with this Idempotency-Key has made it.",
                    "schema": {"type": "string"},
                },
            },
        },
        **refusals(400, 401, 403, 408, 409, 413, 415, 422, 503),
    },
)
async def create(
    request: Request,
    account: Writer,
    idempotency_key: Annotated[
        str | None, Header(description="The same key and the same request make one task, however often it is sent.")
    ] = None,
) -> Response:
    """Hand over rows, as JSON or as a file of CSV, JSON lines or Parquet; get a task at once.

    The answer comes when all rows are written down: from then on nothing is lost. Rows are predicted by the stream, in
    turn with other tasks. `curl -F model=iris -F file=@rows.csv -H "Authorization: Bearer $TOKEN" localhost:8000/tasks`
    """
    tasks = _tasks(request)
    with tasks.upload(account.id):
        async with submitted(request, tasks.settings.tasks_max_json_bytes) as submission:
            task, replayed = await tasks.create(account.id, submission, idempotency_key)
    headers = {"Location": f"tasks/{task.id}"} | ({"Idempotency-Replayed": "true"} if replayed else {})
    return Response(task.model_dump_json(), 202, headers, "application/json")


@router.get(TASKS_PATH, summary="One's tasks", responses=refusals(401, 403, 422, 503))
async def listed(
    request: Request,
    response: Response,
    account: Reader,
    status: Annotated[Status | None, Query(description="Only those of this status.")] = None,
    model: Annotated[str | None, Query(description="Only those of this model.", max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="The most that are listed.")] = PAGE,
    after: Annotated[UUID | None, Query(description="Only those made before this task; as `next` has it.")] = None,
) -> TaskList:
    """List one's tasks, the newest first, a page at a time."""
    if model is not None and "\0" in model:
        raise FieldsError(("model", "holds a NUL"))
    found = await _tasks(request).page(account.id, status=status, model=model, before=after, limit=limit + 1)
    shown, following = found[:limit], None
    if len(found) > limit:
        asked = {"status": status, "model": model, "limit": limit, "after": shown[-1].id}
        # relative, as the API may be served below a path
        following = "tasks?" + urlencode({name: value for name, value in asked.items() if value is not None})
        response.headers["Link"] = f'<{following}>; rel="next"'
    return TaskList(tasks=shown, next=following)


@router.get("/tasks/{task_id}", summary="A task", responses=refusals(401, 403, 404, 503))
async def one(request: Request, account: Reader, task_id: str) -> Task:
    """Tell all that is known of a task."""
    return await _tasks(request).find(account.id, _id(task_id))


@router.get("/tasks/{task_id}/status", summary="How far a task is", responses=refusals(401, 403, 404, 503))
async def progress(request: Request, account: Reader, task_id: str) -> Progress:
    """Tell how many of a task's rows are predicted."""
    task = await _tasks(request).find(account.id, _id(task_id))
    return Progress.model_validate(task.model_dump(include=set(Progress.model_fields)))


@router.get(
    "/tasks/{task_id}/input",
    summary="The rows of a task",
    response_class=StreamingResponse,
    responses={200: FILES, **refusals(401, 403, 404, 406, 503)},
)
async def given(
    request: Request, account: Reader, task_id: str, accept: Annotated[str | None, Header()] = None
) -> Response:
    """Give back the rows as they were taken in, in their order, in the format that `Accept` asks for."""
    format_, task = accepted(accept), _id(task_id)
    return await _file(await _tasks(request).input(account.id, task, format_), format_, f"{task}-input")


@router.get(
    "/tasks/{task_id}/result",
    summary="The predictions of a task",
    response_class=StreamingResponse,
    responses={200: FILES, **refusals(401, 403, 404, 406, 409, 422, 503)},
)
async def predicted(
    request: Request,
    account: Reader,
    task_id: str,
    partial: Annotated[bool, Query(description="Give what is there, though not all is.")] = False,
    accept: Annotated[str | None, Header()] = None,
) -> Response:
    """Give a row for each row of the input, in its order, in the format that `Accept` asks for.

    `row` counts from 1. A row that could not be predicted has its reason in `error`, and no outputs.
    """
    format_, task = accepted(accept), _id(task_id)
    pieces = await _tasks(request).result(account.id, task, format_, partial=partial)
    return await _file(pieces, format_, f"{task}-result")


@router.delete(
    "/tasks/{task_id}",
    status_code=204,
    summary="Cancel and remove a task",
    responses=refusals(401, 403, 404, 409, 422, 503),
)
async def removed(
    request: Request,
    account: Writer,
    task_id: str,
    keep: Annotated[bool, Query(description="Cancel it, and keep what there is of it.")] = False,
) -> Response:
    """Send no more of its rows on their way, and remove the task with its input and its results."""
    tasks = _tasks(request)
    await (tasks.cancel if keep else tasks.remove)(account.id, _id(task_id))
    return Response(status_code=204)


async def _file(pieces: AsyncIterator[bytes], format_: Format, name: str) -> Response:
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{name}.{format_.extension}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Vary": "Accept",
    }
    # what goes wrong before the first piece is there is still an answer of its own
    first = await anext(pieces, b"")

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return StreamingResponse(all_of_it(), 200, headers, format_.content_type)
