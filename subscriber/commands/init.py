"""`python -m subscriber init --topic T --model URL`."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import ValidationError

from subscriber.batch import Batch
from subscriber.commands.exits import explained
from subscriber.decoding import Decoder
from subscriber.draft.guess import guess
from subscriber.draft.names import columns_for, identifier, of_file, of_topic
from subscriber.draft.write import Names, pipeline_text
from subscriber.errors import BatchRefused, ModelFailed, WrongSetting
from subscriber.inference import InferenceClient, read_metadata
from subscriber.pipeline import Model, Pipeline
from subscriber.pipeline_file import load_pipeline
from subscriber.sample import sample_of
from subscriber.settings import read_settings
from subscriber.topic import Topic

if TYPE_CHECKING:
    from subscriber.draft.guess import Guess
    from subscriber.settings import Settings

MESSAGES: Final = 100
SCHEMA: Final = Path(__file__).parents[1] / "pipelines" / "pipeline.schema.json"
# columns that `check --create` makes beside the outputs
OWN_COLUMNS: Final = ("id", "timestamp", "source_id", "model_version", "predicted_at")


@dataclass(frozen=True)
class Look:
    """What is looked at before there is a pipeline."""

    name: str
    topic: str
    group: str


def init(
    topic: Annotated[str, typer.Option(help="The Kafka topic with the rows.")],
    model: Annotated[str, typer.Option(help="http(s)://host:port/v2/models/NAME")],
    name: Annotated[
        str | None, typer.Option(help="The pipeline's name; by default that of --out or the topic.")
    ] = None,
    table: Annotated[str | None, typer.Option(help="The target table; by default <name>_prediction.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; by default <name>.toml.")] = None,
) -> None:
    """Write a first pipeline file from a topic's rows and a model's description; replaces no file."""
    # a second model for a topic needs a name, a group and a table of its own
    name = name or (of_file(out) if out is not None else of_topic(topic))
    path = out or Path(f"{name}.toml")
    with explained():
        if path.exists():
            raise WrongSetting(f"{path} is there already; --out names another file")
        settings = read_settings()
        messages = _messages(settings, Look(name, topic, name))
        sample = sample_of(messages)
        described = _model(model)
        metadata = read_metadata(described)
        guessed = guess(sample, metadata.inputs or [])
        if not guessed.inputs:
            raise WrongSetting(f"topic {topic}: no column is a number, and the model lists no inputs")
        listed = [tensor.name for tensor in metadata.outputs or []]
        outputs = listed or _outputs_of_a_trial(guessed, described, messages) or ["output"]
        names = Names(
            pipeline=name,
            topic=topic,
            url=model,
            table=table or identifier(f"{name}_prediction"),
            outputs=columns_for(outputs, OWN_COLUMNS),
            schema_file=os.path.relpath(SCHEMA, path.resolve().parent),
        )
        _write(path, pipeline_text(names, guessed, sample.columns))
        load_pipeline(path)
    print(f"wrote {path}: {len(guessed.inputs)} features, outputs {', '.join(outputs)} -> {names.table}")
    for doubt in guessed.doubts:
        print(f"look at it: {doubt}")
    print(f"next: python -m subscriber check {path} --create")
    print(f"then: SUBSCRIBER_PORT=8002 python -m subscriber run {path}")


def _messages(settings: Settings, look: Look) -> list[Any]:
    with Topic(settings, look) as topic:
        ends = topic.ends()
        if not ends:
            near = difflib.get_close_matches(look.topic, topic.others(), 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "`python -m connectors status` lists them"
            raise WrongSetting(
                f"topic {look.topic} does not exist; {hint} (The topic of a published table is made by its first row)"
            )
        messages: list[Any] = topic.newest(ends, MESSAGES)
    if not sample_of(messages).rows:
        raise WrongSetting(f"topic {look.topic} holds no rows to see columns of: write one to the source table first")
    return messages


def _model(url: str) -> Model:
    try:
        return Model(url=url)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise WrongSetting(f"--model: {said} (got {url!r}); http://host:port/v2/models/NAME is wanted") from error


def _outputs_of_a_trial(guessed: Guess, model: Model, messages: list[Any]) -> list[str]:
    """The outputs that a model which lists none gives for the newest row; none if it does not take it."""
    features = [{"column": i.column or i.tensor, "tensor": i.tensor, "datatype": i.datatype} for i in guessed.inputs]
    provisional = Pipeline.model_validate(
        {
            **{"name": "init", "topic": "init", "group": "init"},
            "model": model,
            "features": features,
            "target": {"table": "init", "outputs": {"init": "init"}},
        }
    )
    batch = Batch({}, messages)
    Decoder(provisional).decode(batch)
    if not batch.rows:
        return []
    try:
        return [tensor.name for tensor in InferenceClient(provisional).answer(batch.rows[-1:]).outputs]
    except (BatchRefused, ModelFailed, WrongSetting):
        return []


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WrongSetting(f"{path}: {error.strerror}") from error
