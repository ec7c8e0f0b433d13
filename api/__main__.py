"""`python -m api`: serve the trained models."""

import sys
import warnings

# first: it looks for each of numpy's functions in every module there is, which takes the longer the more there are
import skops.io  # noqa: F401
import structlog
from pydantic import ValidationError

from api.app import create_app
from api.archive.archiver import archiver_from_settings
from api.archive.settings import ArchiveSettings
from api.cache.cache import cache_from_settings
from api.cache.settings import CacheSettings
from api.errors import ModelError, ModelMissingError
from api.images.answers import ImageAnswers
from api.images.labels import Labels
from api.images.settings import ImageSettings
from api.logs import configure_logging, log_wrong_settings
from api.metrics import Metrics
from api.model.registry import Registry
from api.model.seed import seed
from api.monitoring.image_rows import image_rows_from_settings
from api.monitoring.recorder import recorder_from_settings
from api.monitoring.settings import MonitoringSettings
from api.server import leave_on_signals, listen, serve
from api.service import Service
from api.settings import Settings
from api.tasks.settings import TaskSettings


def main() -> int:
    """Load the models, take the port, serve; return the exit status."""
    leave_on_signals()
    log = structlog.get_logger()
    try:
        settings, cached, monitored = Settings(), CacheSettings(), MonitoringSettings()
        pictures, archived, tasks = ImageSettings(), ArchiveSettings(), TaskSettings()
    except ValidationError as error:
        configure_logging("error")
        log_wrong_settings(error)
        return 1
    configure_logging(settings.log_level)
    # what Pillow finds odd in an upload is the sender's affair
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
    service = Service(settings, Registry(settings.models_dir), Metrics())
    try:
        if settings.models_seed_dir is not None:
            seed(settings.models_dir, settings.models_seed_dir)
        service.refresh()
        if not service.registry.current_models():
            raise ModelMissingError(f"no model in {settings.models_dir}")
    except ModelMissingError as error:
        log.error(f"{error}: run `python -m api.train` first")
        return 1
    except ModelError as error:
        log.error(f"{error}: run `python -m api.train`, with the module of a model of your own, to store it anew")
        return 1
    except OSError as error:
        log.error(f"the models cannot be kept in MODELS_DIR: {error.filename or settings.models_dir}: {error.strerror}")
        return 1
    try:
        listener = listen(settings.api_host, settings.api_port)
    except OSError as error:
        log.error(f"cannot listen on {settings.api_host}:{settings.api_port}: {error.strerror}")
        return 1
    host, port = listener.getsockname()[:2]
    log.info("listening", url=f"http://{host}:{port}", docs=f"http://{host}:{port}/docs")
    registry = service.metrics.registry
    recorder = recorder_from_settings(monitored, registry)
    rows = image_rows_from_settings(monitored, recorder)
    archiver = archiver_from_settings(archived, registry)
    app = create_app(
        service,
        cache_from_settings(cached, registry),
        recorder,
        ImageAnswers(service, pictures, archiver, recorder, rows),
        archiver,
        Labels(rows, archiver),
        tasks if tasks.enabled else None,
    )
    try:
        serve(app, listener, settings)
    finally:
        # a second Ctrl-C ends the server without the app's own end
        for keeper in (recorder, archiver):
            if keeper is not None:
                keeper.close()
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
