"""Kafka's side: the topic, and whether its newest rows are what the pipeline reads."""

from __future__ import annotations

import difflib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from subscriber.batch import Batch
from subscriber.decoding import Decoder
from subscriber.decoding.columns import column_of
from subscriber.errors import BadRow
from subscriber.sample import Sample, sample_of
from subscriber.topic import Topic, strangers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subscriber.check.findings import Findings
    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

MESSAGES: Final = 100
NO_ROWS: Final = Sample([], None, ())


class Rows:
    """What was found of the rows: a sample as it stands in the messages, and the newest that could be decoded."""

    def __init__(self, sample: Sample, newest: Any, payload: Mapping[str, Any] | None) -> None:
        self.sample = sample
        self.newest = newest
        self.payload = payload


def look_at_rows(settings: Settings, pipeline: Pipeline, findings: Findings) -> Rows:
    """Look at the topic and its newest rows.

    Raises:
        Transient: Kafka is away.
        WrongSetting: it does not let us in.
    """
    with Topic(settings, pipeline) as topic:
        ends = topic.ends()
        if not ends:
            findings.wrong("topic", f"{pipeline.topic} does not exist{_near(pipeline.topic, topic.others())}")
            return Rows(NO_ROWS, None, None)
        messages: Any = topic.newest(ends, MESSAGES)
        group = topic.group()
    partitions = "1 partition" if len(ends) == 1 else f"{len(ends)} partitions"
    count = sum(end - first for first, end in ends.values())
    findings.ok("topic", f"{pipeline.topic}, {partitions}, {count:,} offsets")
    if others := strangers(group, pipeline):
        findings.wrong(
            "group",
            f"{pipeline.group} is read by another pipeline ({', '.join(others)}): each would get a part of the rows; "
            f"give this one a name and a group of its own",
        )
    elif group.members:
        findings.ok("group", f"{pipeline.group}: {group.state}, {len(group.members)} subscribers read")
    else:
        findings.ok("group", f"{pipeline.group}: nobody reads")
    sample = sample_of(messages)
    if not sample.rows:
        findings.warn("rows", "the topic holds none yet, so their columns are not known")
        return Rows(sample, None, None)
    _look_at_columns(pipeline, sample, findings)
    batch = Batch({}, list(messages))
    Decoder(pipeline).decode(batch)
    _look_at_nulls(pipeline, sample, findings)
    _look_at_letters(batch, len(sample.rows), findings)
    payload = sample_of(batch.records[-1:]).rows if batch.rows else []
    return Rows(sample, batch.rows[-1] if batch.rows else None, payload[-1] if payload else None)


def _look_at_columns(pipeline: Pipeline, sample: Sample, findings: Findings) -> None:
    """Whether each column that the pipeline reads is there, and of which type it is."""
    source = pipeline.source
    read: list[tuple[str, str | None, str]] = [
        ("source.key", source.key, ""),
        ("source.timestamp", source.timestamp, ""),
        *((f"features[{i}]", f.column, f" -> {f.input_name} {f.datatype}") for i, f in enumerate(pipeline.features)),
    ]
    if pipeline.truth is not None:
        read.append(("truth.column", pipeline.truth.column, ""))
    read += [("target.copies", column, f" -> {copy}") for column, copy in pipeline.target.copies.items()]
    read.append(("source.version", source.version, " names the model's version"))
    columns = sample.columns
    for key, column, use in read:
        if column is None:
            continue
        if column in columns:
            try:
                kind = column_of(sample.fields[column]).name if sample.fields is not None else "JSON without schema"
            except BadRow as error:
                findings.wrong(key, f"{column}: {error.detail}")
            else:
                findings.ok(key, f"{column} ({kind}){use}")
        elif key == "source.version":
            findings.ok(key, f"the newest row has no column {column}, so the pipeline's version answers it")
        elif _has_default(pipeline, key):
            findings.warn(key, f"rows have no column {column}, so each gets the default")
        else:
            known = _near(column, columns) or f"; their columns are {', '.join(columns)}"
            findings.wrong(key, f"rows have no column {column}{known}")
    if source.key is not None and source.key in columns and sample.keys and source.key not in sample.keys:
        findings.warn(
            "source.key",
            f"the messages' key is {', '.join(sample.keys)}: rows of one key may come out of order",
        )


def _has_default(pipeline: Pipeline, key: str) -> bool:
    return key.startswith("features[") and pipeline.features[int(key[9:-1])].default is not None


def _look_at_nulls(pipeline: Pipeline, sample: Sample, findings: Findings) -> None:
    for i, feature in enumerate(pipeline.features):
        nulls = sum(row.get(feature.column, 0) is None for row in sample.rows)
        if nulls and feature.default is None:
            findings.warn(
                f"features[{i}]",
                f"{feature.column} is null in {nulls} of the newest {len(sample.rows)} rows: dead letters; "
                f"`default = …` would fill it",
            )


def _look_at_letters(batch: Batch, rows: int, findings: Findings) -> None:
    """What the decoder makes of the newest messages."""
    unread = [*batch.dead, *batch.failed]
    if not unread:
        findings.ok("rows", f"the newest {rows} can be read")
        return
    become = "rows with an error" if batch.failed else "dead letters"
    causes = Counter([*((d.cause, d.detail) for d in batch.dead), *((f.cause, f.detail) for f in batch.failed)])
    tell = findings.warn if batch.rows else findings.wrong
    for (cause, detail), count in causes.most_common(3):
        tell("rows", f"{count} of the newest {len(unread) + len(batch.rows)} become {become}: {cause}: {detail}")


def _near(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.6)
    return f"; did you mean {close[0]}?" if close else ""
