"""A run of images, from its settings to its last line."""

import time
from functools import partial

import structlog
from rich.console import Console

from data_generator.database import Database
from data_generator.generator import Plan, run
from data_generator.images.api import ModelApi
from data_generator.images.report import last_line
from data_generator.images.sender import EVENT_TABLE, ImageSender
from data_generator.images.shares import Shares
from data_generator.images.source import DigitImages
from data_generator.report import AwayLog, configure_log, progress
from data_generator.settings import ApiSettings, SourceSettings
from data_generator.stop import Stop
from data_generator.writer import Writer


def send(settings: ApiSettings, plan: Plan, drift: float, shares: Shares, seed: int | None) -> bool:
    """Send images as planned, until that is done or the run is to stop; whether the API took all there was.

    Raises:
        SettingError, TableError: the API or the database refuses for good.
    """
    console = Console()
    configure_log(colours=console.is_terminal)
    stop = Stop()
    writer = _event_writer(stop) if shares.events else None
    stop.listen()
    try:
        with ModelApi(settings) as api:
            away = AwayLog("the model API", "image")
            sender = ImageSender(api, shares, events=writer, pause=stop.pause, listener=away, seed=seed)
            source = DigitImages(seed, drift)
            with progress(plan, console, "sending", "images") as wrote:
                summary = run(
                    source=source, writer=sender, plan=plan, clock=time.monotonic, pause=stop.pause, wrote=wrote
                )
            undone = sender.finish()
    finally:
        if writer is not None:
            writer.close()
    structlog.get_logger().info(last_line(summary, sender.tally, undone))
    return not sender.tally.failures


def _event_writer(stop: Stop) -> Writer:
    settings = SourceSettings.from_environment()
    return Writer(partial(Database.connect, settings, EVENT_TABLE), stop.pause, AwayLog("the database", "row"))
