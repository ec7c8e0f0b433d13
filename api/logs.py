import logging
import sys

import structlog
from pydantic import ValidationError
from structlog.typing import Processor


def configure_logging(level: str) -> None:
    """Send every log line, ours and the libraries', to standard error.

    Lines are coloured on a terminal, one JSON object each otherwise.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    # its own way to tell of exceptions shows what local variables hold, passwords among it
    renderers: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=())],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # The server's own start and stop lines say nothing that ours do not.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def log_wrong_settings(error: ValidationError) -> None:
    """Say of each setting that is wrong which one it is, by its variable, and why."""
    log = structlog.get_logger()
    for problem in error.errors():
        # what several settings say together has no place, and names them itself
        where = {"name": str(problem["loc"][0]).upper()} if problem["loc"] else {}
        log.error("wrong setting", **where, reason=problem["msg"])
