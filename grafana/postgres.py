"""Queries for Grafana's Postgres data source, which the SDK has no builder of."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Literal

from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.dashboard import DataSourceRef

Format = Literal["time_series", "table"]


@dataclass
class Dataquery(variants.Dataquery):
    """A target as Grafana 9.3 and later read it."""

    sql: str
    format: Format
    datasource: DataSourceRef
    ref_id: str

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": self.datasource,
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


class Query(builder.Builder[variants.Dataquery]):
    """The query of `sql/{name}.sql`; `names` fill in its braces."""

    def __init__(
        self, name: str, datasource: DataSourceRef, format_: Format = "table", ref_id: str = "A", **names: str
    ) -> None:
        sql = (resources.files("grafana") / "sql" / f"{name}.sql").read_text()
        for key, value in names.items():
            sql = sql.replace(f"{{{key}}}", value)
        # what a person who opens the panel edits is the query; its comment stays in the file
        lines = [line for line in sql.splitlines() if not line.startswith("--")]
        self._query = Dataquery("\n".join(lines), format_, datasource, ref_id)

    def build(self) -> Dataquery:
        return self._query
