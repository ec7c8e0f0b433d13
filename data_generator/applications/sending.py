"""A run of applications, from its settings to its last line."""

from collections.abc import Sequence

from data_generator.applications.api import ApplicationApi
from data_generator.applications.endpoint import Endpoint
from data_generator.applications.report import last_line
from data_generator.applications.sender import ApplicationSender
from data_generator.applications.source import Applications
from data_generator.generator import Plan
from data_generator.report import AwayLog
from data_generator.session import Session
from data_generator.settings import ApiSettings


def send(settings: ApiSettings, plan: Plan, source: Applications, endpoints: Sequence[Endpoint]) -> bool:
    """Send applications as planned, until that is done or the run is to stop; whether the API refused none.

    Raises:
        SettingError: nothing can be sent to the API.
    """
    session = Session()
    with ApplicationApi(settings) as api:
        away = AwayLog("the model API", "application")
        sender = ApplicationSender(api, endpoints, pause=session.pause, listener=away)
        summary = session.run(source, sender, plan, "sending", "applications")
    session.say(last_line(summary, sender.tally))
    return not sender.tally.refused
