"""`python -m subscriber check PIPELINE.toml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from subscriber.check.examination import examine
from subscriber.check.findings import Findings
from subscriber.commands.exits import UNFINISHED, explained
from subscriber.pipeline_file import load_pipeline
from subscriber.settings import read_settings


def check(
    pipeline: Annotated[Path, typer.Argument(help="The pipeline's TOML file.")],
    create: Annotated[bool, typer.Option("--create", help="Make the target table if it is not there.")] = False,
) -> None:
    """Compare a pipeline file with its topic, model and table; exit 1 when rows would not be predicted.

    Predicts one row and stores nothing. Joins no consumer group.
    """
    with explained():
        described = load_pipeline(pipeline)
        settings = read_settings()
    findings = Findings(lambda line: print(line, flush=True))
    findings.ok("file", str(pipeline))
    examine(settings, described, findings, create=create)
    if findings.wrong_count:
        sys.exit(UNFINISHED)
