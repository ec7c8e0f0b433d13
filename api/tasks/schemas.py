"""What the tasks' endpoints take and give, as the documentation shows it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["queued", "running", "done", "failed", "cancelled"]
Callback = Literal["waiting", "delivered", "given_up"]

EXAMPLE: dict[str, Any] = {
    "id": "019a5f43-c1e7-7d2a-9b57-2f6f0c1d8e43",
    "model": "credit",
    "version": None,
    "status": "running",
    "rows_total": 250_000,
    "rows_done": 118_000,
    "rows_failed": 3,
    "created_at": "2026-11-02T09:30:00.120000Z",
    "started_at": "2026-11-02T09:30:00.180000Z",
    "finished_at": None,
    "error": None,
    "callback_url": None,
    "callback": None,
}


class Progress(BaseModel):
    """How far a task is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    name: EXAMPLE[name]
                    for name in (
                        *("id", "status", "rows_total", "rows_done", "rows_failed"),
                        *("created_at", "started_at", "finished_at"),
                    )
                }
            ]
        }
    )

    id: UUID
    status: Status
    rows_total: Annotated[int, Field(ge=0)]
    rows_done: Annotated[int, Field(ge=0, description="Rows that have a prediction.")]
    rows_failed: Annotated[int, Field(ge=0, description="Rows that have an error instead.")]
    created_at: datetime
    started_at: Annotated[datetime | None, Field(description="When its first rows were sent on their way.")]
    finished_at: Annotated[datetime | None, Field(description="When its last row was finished, or it was cancelled.")]


class Task(Progress):
    """A task: rows that a model is to predict."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    model: str
    version: Annotated[str | None, Field(description="The version that was asked for; null takes the current one.")]
    error: Annotated[str | None, Field(description="Why it failed as a whole.")]
    callback_url: str | None
    callback: Annotated[Callback | None, Field(description="What became of the callback.")]


class TaskList(BaseModel):
    """Some of one's tasks, the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tasks": [EXAMPLE], "next": None}]})

    tasks: list[Task]
    next: Annotated[
        str | None, Field(description="Where the ones before them are, relative to this address; null at the end.")
    ]


class ModelColumn(BaseModel):
    """One column that a model takes or gives."""

    name: str
    datatype: Annotated[str, Field(description="In the words of the Open Inference Protocol: FP64, INT64, BYTES, …")]


class ServedModel(BaseModel):
    """A model that is served."""

    name: str
    version: Annotated[str, Field(description="The current one.")]
    versions: Annotated[list[str], Field(description="All that may be asked for.")]
    inputs: list[ModelColumn]
    outputs: list[ModelColumn]
    takes_tasks: Annotated[bool, Field(description="Whether a pipeline works off tasks of this model.")]


class ServedModels(BaseModel):
    """The models that are served."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "models": [
                        {
                            "name": "iris",
                            "version": "0d9a6b5a6f2c",
                            "versions": ["0d9a6b5a6f2c"],
                            "inputs": [{"name": "sepal_length", "datatype": "FP64"}],
                            "outputs": [{"name": "iris_class", "datatype": "INT64"}],
                            "takes_tasks": True,
                        }
                    ]
                }
            ]
        }
    )

    models: list[ServedModel]
