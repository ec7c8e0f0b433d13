"""Which models take tasks: those that a pipeline has made a table for."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from api.derived import DerivedModel
from api.errors import ModelError, UnknownModelError
from api.model.model import Model
from api.service import Service
from api.tasks.database import Databases
from api.tasks.errors import FieldsError
from api.tasks.formats.intake import Column
from api.tasks.formats.output import Kind, OutputColumn
from api.tasks.schemas import ModelColumn, ServedModel
from api.tasks.tables import SCHEMA

# of a table of results, what is not one of the model's outputs
KEYS = ("task", "row_number", "predicted_at")
NOTES = ("model_version", "error")
TABLES = text("select table_name from information_schema.tables where table_schema = :schema")
COLUMNS = text(
    "select column_name, data_type from information_schema.columns"
    " where table_schema = :schema and table_name = :table order by ordinal_position"
)
KINDS: dict[str, Kind] = {
    "smallint": "int",
    "integer": "int",
    "bigint": "int",
    "real": "float",
    "double precision": "float",
    "text": "text",
    "character varying": "text",
    "boolean": "bool",
}


@dataclass(frozen=True)
class Catalogue:
    """What is served, and what of it takes tasks."""

    service: Service
    databases: Databases

    async def features(self, name: str, version: str | None) -> list[Column]:
        """The inputs of a model that takes tasks.

        Raises:
            FieldsError: there is no such model or version, or it takes no tasks.
            TasksAwayError: the target database is away.
        """
        try:
            model = await self.service.answering(name)
        except UnknownModelError as error:
            raise FieldsError(("model", f"{error}; GET /models lists those that take tasks")) from error
        if version is not None:
            try:
                model = await self.service.answering(name, version)
            except (UnknownModelError, ModelError) as error:
                raise FieldsError(("version", f"{error}; GET /models lists the versions")) from error
        if name not in await self._with_tables():
            raise FieldsError(
                (
                    "model",
                    f"'{name}' takes no tasks: no pipeline has made the table {SCHEMA}.{name} in the target database",
                )
            )
        return [Column(feature.name, feature.datatype) for feature in model.description.features]

    async def models(self) -> list[ServedModel]:
        """Every model that is served.

        Raises:
            TasksAwayError: the target database is away.
        """
        tables = await self._with_tables()
        return [await self._served(name, takes_tasks=name in tables) for name in self.service.served()]

    async def _served(self, name: str, *, takes_tasks: bool) -> ServedModel:
        model: Model | DerivedModel = await self.service.answering(name)
        about = model.description
        return ServedModel(
            name=name,
            version=about.version,
            versions=await asyncio.to_thread(self.service.versions, name),
            inputs=[ModelColumn(name=each.name, datatype=each.datatype) for each in about.features],
            outputs=[ModelColumn(name=each.name, datatype=each.datatype) for each in about.outputs],
            takes_tasks=takes_tasks,
        )

    async def _with_tables(self) -> set[str]:
        async with self.databases.target() as target:
            return set((await target.execute(TABLES, {"schema": SCHEMA})).scalars())


async def result_columns(target: AsyncConnection, model: str) -> list[OutputColumn]:
    """What a result tells of a row beside its number: the model's outputs, then the version and the error."""
    rows = (await target.execute(COLUMNS, {"schema": SCHEMA, "table": model})).all()
    known = {row.column_name: KINDS.get(row.data_type, "any") for row in rows if row.column_name not in KEYS}
    outputs = [name for name in known if name not in NOTES]
    return [OutputColumn(name, known.get(name, "text")) for name in (*outputs, *NOTES)]
