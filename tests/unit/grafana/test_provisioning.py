"""The provisioning files: every variable and uid they use exists, every rule can be read by Grafana 9.3."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from api.archive.metrics import ArchiveMetrics
from api.metrics import Metrics as ApiMetrics
from stack.settings import Settings
from subscriber.metrics import Registry
from tests.unit.grafana.promql import metrics
from tests.unit.grafana.provisioned import FOLDER, dashboards, datasources, provisioning, rules

# beside what is in .env.example
DATABASES = ("source", "target", "monitoring")
OWN = {
    "GRAFANA_DASHBOARDS",
    *(f"{name.upper()}_{option}" for name in DATABASES for option in ("SSLMODE", "SSLROOTCERT")),
}
every_rule = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])


@pytest.mark.parametrize("path", sorted((FOLDER / "provisioning").rglob("*.yaml")), ids=lambda path: path.parent.name)
def test_every_variable_is_a_setting(path: Any) -> None:
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(r"\$(\w+)", text))

    assert used <= {name.upper() for name in Settings.model_fields} | OWN
    # in braces a variable's own dollar signs would be replaced once more
    assert "${" not in text


def test_the_data_sources_work_before_and_after_grafana_10() -> None:
    sources = datasources()

    assert sources.keys() == {*DATABASES, "prometheus"}
    assert [uid for uid, source in sources.items() if source.get("isDefault")] == ["target"]
    for uid in DATABASES:
        source, name = sources[uid], uid.upper()
        assert source["type"] == "postgres"
        assert source["url"] == f"${name}_HOST:${name}_PORT"
        assert source["database"] == source["jsonData"]["database"] == f"${name}_DATABASE"
        assert source["jsonData"]["sslmode"] == f"${name}_SSLMODE"
        role = {"target": "READER", "source": "MONITOR", "monitoring": "READER"}[uid]
        assert (source["user"], source["secureJsonData"]) == (f"${role}_USER", {"password": f"${role}_PASSWORD"})
    assert sources["prometheus"]["url"] == "$PROMETHEUS_URL"


def test_rates_know_how_often_is_scraped() -> None:
    scrape = yaml.safe_load((FOLDER / "prometheus.yml").read_text())

    assert datasources()["prometheus"]["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]
    jobs = {job["job_name"]: job for job in scrape["scrape_configs"]}
    for job, name, port in (
        ("api", "api-with-model", 8000),
        ("subscriber", "data-subscriber", 8001),
        ("task-subscriber", "task-subscriber", 8001),
    ):
        (found,) = jobs[job]["dns_sd_configs"]
        assert (found["names"], found["type"], found["port"]) == ([name], "A", port)
        assert "scrape_interval" not in jobs[job]


def test_dashboards_and_rules_share_a_folder() -> None:
    (provider,) = provisioning("dashboards")["providers"]

    assert provider["folder"] == "Stream serving"
    assert provider["options"] == {"path": "$GRAFANA_DASHBOARDS"}
    assert {group["folder"] for group in provisioning("alerting")["groups"]} == {provider["folder"]}


def test_groups_are_evaluated_in_steps_of_ten_seconds() -> None:
    for group in provisioning("alerting")["groups"]:
        assert int(re.fullmatch(r"(\d+)s", group["interval"])[1]) % 10 == 0  # type: ignore[index]


def test_rules_have_their_own_uids_and_titles() -> None:
    for key in ("uid", "title"):
        values = [rule[key] for rule in rules()]
        assert len(set(values)) == len(values)


@every_rule
def test_a_rule_says_what_to_do_and_where_to_look(rule: dict[str, Any]) -> None:
    dashboard = dashboards()[rule["dashboardUid"]]

    assert rule["panelId"] in {panel["id"] for panel in dashboard["panels"]}
    annotations = rule["annotations"]
    assert annotations["__dashboardUid__"] == rule["dashboardUid"]
    assert annotations["__panelId__"] == str(rule["panelId"])
    assert len(annotations["summary"]) > 100
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["noDataState"] in {"OK", "NoData", "Alerting"}
    assert rule["execErrState"] in {"OK", "Error", "Alerting"}
    assert re.fullmatch(r"\d+[sm]", rule["for"])


@every_rule
def test_a_rule_has_no_dollar_sign(rule: dict[str, Any]) -> None:
    # which fields of a rule have their variables replaced differs between releases
    assert "$" not in yaml.safe_dump(rule)


@every_rule
def test_a_rule_is_a_query_a_value_and_a_threshold(rule: dict[str, Any]) -> None:
    query, value, threshold = rule["data"]

    assert query["datasourceUid"] in datasources()
    assert query["model"]["datasource"]["uid"] == query["datasourceUid"]
    assert [part["refId"] for part in rule["data"]] == ["A", "B", "C"]
    assert all(part["model"]["refId"] == part["refId"] for part in rule["data"])
    assert (value["datasourceUid"], threshold["datasourceUid"]) == ("__expr__", "__expr__")
    assert (value["model"]["type"], value["model"]["expression"]) == ("reduce", "A")
    assert (threshold["model"]["type"], threshold["model"]["expression"]) == ("threshold", "B")
    (condition,) = threshold["model"]["conditions"]
    assert condition["evaluator"]["type"] in {"gt", "lt"}
    assert rule["condition"] == "C"
    if query["datasourceUid"] == "prometheus":
        assert (query["model"]["instant"], query["model"]["range"]) == (True, False)
        assert rule["noDataState"] != "NoData"


@every_rule
def test_a_rule_asks_for_metrics_that_exist(rule: dict[str, Any]) -> None:
    api = ApiMetrics().registry
    ArchiveMetrics(api)
    registries = (Registry().registry, api)
    exported = {
        f"{family.name}{suffix}"
        for registry in registries
        for family in registry.collect()
        for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
    }
    model = rule["data"][0]["model"]

    assert metrics(model.get("expr", "")).keys() <= exported
