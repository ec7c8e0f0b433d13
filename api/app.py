import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from api.accounts import routes as accounts
from api.accounts.accounts import Accounts
from api.accounts.form import MAX_BYTES as MAX_FORM_BYTES
from api.archive.archiver import Archiver
from api.body_limit import BodyLimit
from api.cache.cache import Cache
from api.credit import routes as credit
from api.credit.answers import MODEL as CREDIT
from api.credit.answers import CreditAnswers
from api.failures import answer_failures
from api.images import label_route
from api.images import routes as images
from api.images.answers import ImageAnswers
from api.images.by_key import DIGIT_IMAGES, DigitImages
from api.images.labels import Labels
from api.images.settings import ImageSettings
from api.images.upload import OVERHEAD_BYTES
from api.monitoring.recorder import Recorder
from api.monitoring.reference import image_reference_of, reference_of
from api.openapi import DESCRIPTION, DocumentedApp
from api.request_metrics import RequestMetrics
from api.routes import health, infer, metadata, metrics, predict
from api.service import Service
from api.tasks import routes as task_routes
from api.tasks import submission
from api.tasks.database import Databases
from api.tasks.page.routes import page_router
from api.tasks.service import TaskService
from api.tasks.settings import TaskSettings
from api.training.digits import NAME as DIGITS


def create_app(
    service: Service,
    cache: Cache | None = None,
    recorder: Recorder | None = None,
    image_answers: ImageAnswers | None = None,
    archiver: Archiver | None = None,
    labels: Labels | None = None,
    tasks: TaskSettings | None = None,
) -> FastAPI:
    """Put the endpoints in front of a service whose models are loaded.

    The cache, the recorder of answers and the archiver begin and end with the app; without them answers are computed,
    and not kept. So are those to images without `image_answers`; without `labels` none is taken, and without
    `tasks` there are neither accounts nor tasks.
    """
    image_answers = image_answers or ImageAnswers(service, ImageSettings())
    app = DocumentedApp(
        title=metadata.SERVER_NAME,
        version=metadata.SERVER_VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan,
    )
    app.state.service = service
    app.state.credit = CreditAnswers(service, cache, recorder)
    app.state.cache, app.state.recorder, app.state.archiver = cache, recorder, archiver
    app.state.images = image_answers
    app.state.labels = labels or Labels(None)
    app.state.digit_images = None
    if image_answers.archive is not None:
        app.state.digit_images = DigitImages(image_answers.archive, image_answers.settings, image_answers.room)
        service.derive(DIGIT_IMAGES, app.state.digit_images)
    app.add_middleware(
        BodyLimit,
        max_bytes=service.settings.max_body_bytes,
        of_path={
            images.router.prefix: image_answers.settings.image_max_bytes + OVERHEAD_BYTES,
            accounts.TOKEN_PATH: MAX_FORM_BYTES,
            **({task_routes.TASKS_PATH: tasks.tasks_max_bytes + submission.OVERHEAD_BYTES} if tasks else {}),
        },
    )
    app.add_middleware(RequestMetrics, metrics=service.metrics)
    for routes in (predict, credit, images, label_route, infer, metadata, health, metrics):
        app.include_router(routes.router)
    app.state.databases = app.state.accounts = app.state.tasks = None
    if tasks is not None:
        app.state.databases = Databases(tasks)
        app.state.accounts = Accounts(tasks, app.state.databases)
        app.state.tasks = TaskService(service, app.state.databases, tasks, service.metrics.registry)
        app.include_router(accounts.router)
        # before the tasks' own routes, one of which takes any name
        app.include_router(page_router)
        app.include_router(task_routes.router)
    answer_failures(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    cache: Cache | None = app.state.cache
    recorder: Recorder | None = app.state.recorder
    archiver: Archiver | None = app.state.archiver
    databases: Databases | None = app.state.databases
    if databases is not None:
        databases.start()
        app.state.tasks.start()
    if cache is not None:
        await cache.start()
    if recorder is not None:
        service.when_served(CREDIT, lambda description: recorder.serving(reference_of(description)))
        service.when_served(DIGITS, lambda description: recorder.serving(image_reference_of(description)))
        recorder.start()
    if archiver is not None:
        await asyncio.to_thread(archiver.start)
    following = asyncio.create_task(service.follow_pointers())
    yield
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    if cache is not None:
        await cache.close()
    if databases is not None:
        await app.state.tasks.close()
        await databases.close()
        app.state.accounts.close()
    # every request is answered by now: what is still in memory is the last of it; side by side, as each has seconds
    keepers = [keeper for keeper in (recorder, archiver) if keeper is not None]
    await asyncio.gather(*(asyncio.to_thread(keeper.close) for keeper in keepers))
    image_answers: ImageAnswers = app.state.images
    await asyncio.to_thread(image_answers.close)
    digit_images: DigitImages | None = app.state.digit_images
    if digit_images is not None:
        await asyncio.to_thread(digit_images.close)
    service.close()
