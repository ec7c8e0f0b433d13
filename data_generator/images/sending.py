"""A run of images, from its settings to its last line."""

from functools import partial

from data_generator.database import Database
from data_generator.generator import Plan
from data_generator.images.api import ImageApi
from data_generator.images.report import last_line
from data_generator.images.sender import EVENT_TABLE, ImageSender
from data_generator.images.shares import Shares
from data_generator.images.source import DigitImages
from data_generator.report import AwayLog
from data_generator.session import Session
from data_generator.settings import ApiSettings, SourceSettings
from data_generator.writer import Writer


def send(settings: ApiSettings, plan: Plan, drift: float, shares: Shares, seed: int | None) -> bool:
    """Send images as planned, until that is done or the run is to stop; whether the API took all there was.

    Raises:
        SettingError, TableError: the API or the database refuses for good.
    """
    session = Session()
    writer = _event_writer(session) if shares.events else None
    try:
        with ImageApi(settings) as api:
            away = AwayLog("the model API", "image")
            sender = ImageSender(api, shares, events=writer, pause=session.pause, listener=away, seed=seed)
            summary = session.run(DigitImages(seed, drift), sender, plan, "sending", "images")
            undone = sender.finish()
    finally:
        if writer is not None:
            writer.close()
    session.say(last_line(summary, sender.tally, undone))
    return not sender.tally.failures


def _event_writer(session: Session) -> Writer:
    settings = SourceSettings.from_environment()
    return Writer(partial(Database.connect, settings, EVENT_TABLE), session.pause, AwayLog("the database", "row"))
