"""What Grafana is given, as the tests ask for it: the files, and every query in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from stack.settings import ROOT

FOLDER = ROOT / "grafana"


@dataclass(frozen=True)
class Query:
    """A query of a panel or an alert, for one data source; `format` is of SQL, `instant` of PromQL."""

    name: str
    datasource: str
    text: str
    format: str | None
    instant: bool


def dashboards() -> dict[str, dict[str, Any]]:
    """Each dashboard by its uid."""
    found = [json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))]
    return {dashboard["uid"]: dashboard for dashboard in found}


def panels() -> list[tuple[str, dict[str, Any]]]:
    """Each panel, with its dashboard's uid."""
    return [(uid, panel) for uid, dashboard in dashboards().items() for panel in dashboard["panels"]]


def provisioning(kind: str) -> dict[str, Any]:
    (path,) = (FOLDER / "provisioning" / kind).glob("*.yaml")
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def datasources() -> dict[str, dict[str, Any]]:
    """Each data source by its uid."""
    return {source["uid"]: source for source in provisioning("datasources")["datasources"]}


def rules() -> list[dict[str, Any]]:
    return [rule for group in provisioning("alerting")["groups"] for rule in group["rules"]]


def query(name: str, datasource: str, target: dict[str, Any]) -> Query:
    text = target["rawSql"] if "rawSql" in target else target["expr"]
    return Query(name, datasource, text, target.get("format"), target.get("instant", False))


def panel_queries() -> list[Query]:
    return [
        query(f"{uid}: {panel['title']}", target["datasource"]["uid"], target)
        for uid, panel in panels()
        for target in panel["targets"]
    ]


def alert_queries() -> list[Query]:
    return [
        query(f"alert: {rule['title']}", data["datasourceUid"], data["model"])
        for rule in rules()
        for data in rule["data"]
        if data["datasourceUid"] != "__expr__"
    ]


def queries() -> list[Query]:
    return panel_queries() + alert_queries()


def sql() -> list[Query]:
    return [q for q in queries() if q.format is not None]


def promql() -> list[Query]:
    return [q for q in queries() if q.format is None]
