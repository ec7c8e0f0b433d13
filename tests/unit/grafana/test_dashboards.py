"""The dashboards as files: up to date, readable for Grafana 9.3, and laid out without overlaps."""

from __future__ import annotations

import re
from typing import Any

import pytest

from grafana.dashboards import FOLDER, rendered
from tests.unit.grafana.provisioned import dashboards, datasources, panel_queries, panels

# what a panel of Grafana 9.3 has, by its type: `options` and the `custom` part of a field
LEGEND = {"displayMode", "placement", "showLegend", "calcs", "sortBy", "sortDesc", "width", "asTable", "isVisible"}
TOOLTIP = {"mode", "sort"}
NESTED = {"legend": LEGEND | {"values"}, "tooltip": TOOLTIP, "reduceOptions": {"values", "limit", "calcs", "fields"}}
OPTIONS = {
    "timeseries": {"legend", "tooltip", "timezone"},
    "stat": {"reduceOptions", "orientation", "text", "textMode", "colorMode", "graphMode", "justifyMode"},
    "table": {"showHeader", "showTypeIcons", "sortBy", "footer", "frameIndex"},
    "piechart": {"reduceOptions", "orientation", "text", "pieType", "displayLabels", "legend", "tooltip"},
    "state-timeline": {"showValue", "rowHeight", "mergeValues", "alignValue", "legend", "tooltip", "timezone"},
}
CUSTOM = {
    "timeseries": {
        *("drawStyle", "lineWidth", "lineInterpolation", "lineStyle", "lineColor", "fillOpacity", "gradientMode"),
        *("fillColor", "fillBelowTo", "showPoints", "pointSize", "pointColor", "pointSymbol", "spanNulls", "stacking"),
        *("axisPlacement", "axisColorMode", "axisLabel", "axisWidth", "axisSoftMin", "axisSoftMax", "axisGridShow"),
        *("axisCenteredZero", "scaleDistribution", "barAlignment", "barMaxWidth", "barWidthFactor", "hideFrom"),
        *("thresholdsStyle", "transform"),
    },
    "stat": set(),
    "table": {"align", "displayMode", "width", "minWidth", "filterable", "hidden", "inspect"},
    "piechart": {"hideFrom"},
    "state-timeline": {"lineWidth", "fillOpacity", "hideFrom"},
}
DEFAULTS = {"unit", "min", "max", "decimals", "mappings", "thresholds", "color", "noValue", "displayName", "custom"}
CELLS = {"auto", "color-text", "color-background", "color-background-solid", "gradient-gauge", "lcd-gauge", "basic"}
COLOUR_MODES = {"thresholds", "palette-classic", "fixed", "continuous-blues"}
UNITS = {"s", "ms", "short", "none", "bytes", "percentunit", "reqps", "ops", "dateTimeAsLocal"}
UNITS |= {"suffix:cm", "suffix:rows/s"}


def named(value: Any) -> str | None:
    return f"{value[0]}-{value[1]['id']}" if isinstance(value, tuple) else None


every_panel = pytest.mark.parametrize("placed", panels(), ids=named)
every_dashboard = pytest.mark.parametrize("uid", dashboards())


def fields(panel: dict[str, Any]) -> dict[str, list[Any]]:
    """Every property of the panel's fields with its values; those of overrides are named alike."""
    config = panel["fieldConfig"]
    found = {name: [value] for name, value in config["defaults"].items() if name != "custom"}
    for name, value in (config["defaults"].get("custom") or {}).items():
        found.setdefault(f"custom.{name}", []).append(value)
    for override in config["overrides"]:
        for property_ in override["properties"]:
            found.setdefault(property_["id"], []).append(property_["value"])
    return found


def test_the_files_are_what_the_code_makes() -> None:
    files = {path.name: path.read_text() for path in FOLDER.glob("*.json")}

    assert files == rendered(), "run `python -m grafana.dashboards`"


def test_the_same_files_are_made_each_time() -> None:
    assert rendered() == rendered()


@every_dashboard
def test_a_dashboard_is_one_that_grafana_9_3_reads(uid: str) -> None:
    dashboard = dashboards()[uid]

    assert dashboard["schemaVersion"] <= 37
    assert "id" not in dashboard
    assert re.fullmatch(r"[a-z0-9-]{1,40}", uid)
    assert dashboard["title"]
    assert dashboard["description"]
    assert dashboard["tags"] == ["stream-serving"]
    assert dashboard["links"][0]["tags"] == ["stream-serving"]
    assert dashboard["refresh"] in dashboard["timepicker"]["refresh_intervals"]


def test_the_stream_is_watched_as_it_flows() -> None:
    stream = dashboards()["iris-stream"]

    assert stream["refresh"] == "500ms"
    assert stream["time"] == {"from": "now-5m", "to": "now"}


@every_dashboard
def test_panels_have_their_own_ids_and_titles(uid: str) -> None:
    own = dashboards()[uid]["panels"]

    assert len({panel["id"] for panel in own}) == len(own)
    assert all(panel["id"] > 0 and panel["title"] and panel["description"].endswith(".") for panel in own)


@every_dashboard
def test_panels_lie_in_the_grid_without_overlap_or_gap(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboards()[uid]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells

    rows = max(y for _, y in taken) + 1
    assert taken == {(x, y) for x in range(24) for y in range(rows)}


@every_panel
def test_a_panel_has_only_what_grafana_9_3_knows(placed: tuple[str, dict[str, Any]]) -> None:
    _, panel = placed
    type_ = panel["type"]
    options = panel["options"] or {}

    assert type_ in OPTIONS
    assert options.keys() <= OPTIONS[type_]
    for name, known in NESTED.items():
        assert options.get(name, {}).keys() <= known
    assert options.get("colorMode") in {None, "value", "background", "none"}
    assert options.get("textMode") in {None, "auto", "value", "value_and_name", "name", "none"}
    for name, values in fields(panel).items():
        if name.startswith("custom."):
            assert name.removeprefix("custom.") in CUSTOM[type_]
        else:
            assert name in DEFAULTS
        if name == "unit":
            assert all(unit in UNITS or unit.startswith("time:") for unit in values)
        if name == "color":
            assert all(value["mode"] in COLOUR_MODES for value in values)
        if name == "custom.displayMode":
            assert set(values) <= CELLS
    assert not panel["transformations"]


@every_panel
def test_a_query_is_one_that_grafana_9_3_runs(placed: tuple[str, dict[str, Any]]) -> None:
    _, panel = placed
    sources = datasources()

    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        source = sources[target["datasource"]["uid"]]
        assert source["type"] == target["datasource"]["type"]
        if source["type"] == "postgres":
            assert target["rawQuery"] is True
            assert target["format"] in {"time_series", "table"}
            assert (target["format"] == "time_series") is (panel["type"] == "timeseries")
        else:
            assert target["range"] is not target["instant"]


def test_only_what_can_be_bounded_is_read_from_the_databases() -> None:
    for query in panel_queries():
        if query.format is None or "pg_replication_slots" in query.text or "max(timestamp)" in query.text:
            continue
        bounded = "$__timeFilter(" in query.text or ("$__timeFrom()" in query.text and "limit" in query.text)
        # these two look at so many answers a window, whose number the last argument says
        sampled = re.search(r"(drift|shares)\(\$__timeFrom\(\)::timestamptz, .*, \d+\)", query.text)
        assert bounded or sampled or "$__timeTo()::timestamptz - interval" in query.text, query.name


def test_a_class_has_one_colour_everywhere() -> None:
    colours: dict[str, set[str]] = {"setosa": set(), "versicolor": set(), "virginica": set()}
    for _, panel in panels():
        for override in panel["fieldConfig"]["overrides"]:
            for property_ in override["properties"]:
                if property_["id"] == "color" and override["matcher"]["options"] in colours:
                    colours[override["matcher"]["options"]].add(property_["value"]["fixedColor"])
                for mapping in property_["value"] if property_["id"] == "mappings" else ():
                    for result in mapping["options"].values():
                        if result["text"] in colours:
                            colours[result["text"]].add(result["color"])

    assert all(len(found) == 1 for found in colours.values()), colours
    assert len(set.union(*colours.values())) == 3
