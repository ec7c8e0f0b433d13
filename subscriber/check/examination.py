"""One look at everything that a pipeline needs; what is away is told, and the rest looked at all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subscriber.check.model import look_at_model
from subscriber.check.rows import NO_ROWS, Rows, look_at_rows
from subscriber.check.target import look_at_target
from subscriber.errors import Transient, WrongSetting

if TYPE_CHECKING:
    from subscriber.check.findings import Findings
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings


def examine(settings: Settings, pipeline: Pipeline, findings: Findings, *, create: bool) -> None:
    """Tell what is found of Kafka, the model and the target database, in this order."""
    rows = Rows(NO_ROWS, None, None)
    outputs: dict[str, tuple[str, int]] = {}
    try:
        rows = look_at_rows(settings, pipeline, findings)
    except (Transient, WrongSetting) as error:
        findings.wrong("kafka", str(error))
    try:
        outputs = look_at_model(pipeline, rows, findings)
    except (Transient, WrongSetting) as error:
        findings.wrong("model", str(error))
    try:
        look_at_target(settings, pipeline, rows, outputs, findings, create=create)
    except (Transient, WrongSetting) as error:
        findings.wrong("target", str(error))
