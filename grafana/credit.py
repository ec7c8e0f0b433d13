"""The dashboard *Credit: traffic, cache, drift*: what the credit model is asked, and how far from training that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana.panels import (
    BAD,
    COLOURED_CELL,
    COLOURED_TEXT,
    COUNT,
    GOOD,
    MONITORING,
    PERCENT,
    PLAIN,
    PSI,
    RIGHT_AXIS,
    STEPS,
    WARNING,
    Place,
    chart,
    dashed,
    finished,
    fixed,
    grid,
    mapped,
    number,
    option,
    page,
    promql,
    steps,
    width,
)
from grafana.postgres import Query
from grafana.prometheus import increase, quantile, rate

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

    from grafana.panels import Panel

UID: Final = "credit"
ENDPOINTS: Final = 'endpoint=~"/(decisions|probabilities|risk_categories)"'
FEATURES: Final = {
    "age": "blue",
    "instalment rate": "purple",
    "employment": "orange",
    "status and sex": "light-green",
    "foreign worker": "light-blue",
}


def build() -> Dashboard:
    description = "Requests to the credit model, its cache, the answers that are kept, and their drift from training."
    dashboard = page(UID, "Credit: traffic, cache, drift", description, refresh="30s", since="now-1h")
    for panel in (*numbers(), *traffic(), *keeping(), *drift(), *answers()):
        dashboard.with_panel(panel)
    return dashboard


def numbers() -> list[Panel]:
    """The top row."""
    return [
        finished(
            number("reqps", decimals=1),
            Place(1, x=0, y=0, w=3, h=4),
            "Requests",
            "Requests a second to /decisions, /probabilities and /risk_categories, refused ones too.",
            promql(rate("api_requests_total", ENDPOINTS)),
        ),
        finished(
            number("short", decimals=0),
            Place(2, x=3, y=0, w=3, h=4),
            "Answers kept",
            "Rows of the range in the monitoring database; up to 100,000 of each endpoint are counted.",
            Query("answers_in_range", MONITORING),
        ),
        finished(
            number("percentunit", decimals=1).max(1),
            Place(3, x=6, y=0, w=3, h=4),
            "From the cache",
            "Share of the look-ups that found their answer in the cache.",
            promql(hit_share()),
        ),
        finished(
            number("s", [(None, GOOD), (0.05, WARNING), (0.25, BAD)]),
            Place(4, x=9, y=0, w=3, h=4),
            "Latency p99",
            "From a request's head to the end of its answer.",
            promql(quantile(0.99, "api_request_seconds", ENDPOINTS)),
        ),
        finished(
            number("percentunit", decimals=1).max(1),
            Place(5, x=12, y=0, w=3, h=4),
            "Declined",
            "Share of the newest 1,000 decisions of the range.",
            Query("declined_now", MONITORING),
        ),
        finished(
            number("short", PSI, decimals=3),
            Place(6, x=15, y=0, w=3, h=4),
            "Largest drift",
            "The largest population stability index of a feature over the range: moderate from 0.1, much from 0.25. "
            "Fewer than 100 answers show none.",
            Query("largest_drift", MONITORING),
        ),
        finished(
            number("s", [(None, GOOD), (10, WARNING), (300, BAD)], decimals=0),
            Place(7, x=18, y=0, w=3, h=4),
            "Oldest not kept",
            "Age of the oldest answer that is not in the monitoring database yet. It grows while that is away.",
            promql("max(api_monitoring_oldest_seconds)", instant=True),
        ),
        finished(
            number("short", [(None, GOOD), (1, BAD)], decimals=0),
            Place(8, x=21, y=0, w=3, h=4),
            "Answers lost",
            "Answers of the range that were given and could not be kept.",
            promql(increase("api_monitoring_dropped_total"), instant=True),
        ),
    ]


def traffic() -> list[Panel]:
    """What is asked, how fast it is answered, and from where."""
    return [
        finished(
            chart("reqps"),
            Place(10, x=0, y=4, w=8, h=8),
            "Requests",
            "Requests a second by endpoint and status.",
            promql(rate("api_requests_total", ENDPOINTS, "endpoint, status"), "{{endpoint}} {{status}}"),
        ),
        finished(
            chart("ms")
            .max_data_points(STEPS)
            .override_by_name("from the cache", [fixed("green")])
            .override_by_name("computed", [fixed("blue")]),
            Place(11, x=8, y=4, w=8, h=8),
            "From the cache, or computed",
            "Milliseconds until the answer was there, the median of up to 30 answers a step.",
            Query("latency_by_cache", MONITORING, "time_series"),
        ),
        finished(
            chart("ops")
            .override_by_name("hit", [fixed("green")])
            .override_by_name("miss", [fixed("blue")])
            .override_by_name("failed", [fixed("red")]),
            Place(12, x=16, y=4, w=8, h=8),
            "Cache",
            "Look-ups a second that found an answer and that did not, and failures: a failed look-up is a miss, too.",
            promql(rate("api_cache_reads_total", "", "result"), "{{result}}", "A"),
            promql(f"{rate('api_cache_errors_total')} or vector(0)", "failed", "B"),
        ),
    ]


def keeping() -> list[Panel]:
    """How the cache and the monitoring database take what they are given."""
    return [
        finished(
            chart("s").override_by_name("away", [option("unit", "short"), RIGHT_AXIS]),
            Place(20, x=0, y=12, w=8, h=7),
            "Cache: time of a look-up",
            "Median and 99th percentile. Away is 1 while the cache is not asked, because it does not answer.",
            promql(quantile(0.5, "api_cache_read_seconds"), "p50", "A"),
            promql(quantile(0.99, "api_cache_read_seconds"), "p99", "B"),
            promql("max(api_cache_open)", "away", "C"),
        ),
        finished(
            chart("ops")
            .override_by_name("written", [fixed("green")])
            .override_by_name("to the file", [fixed("orange")])
            .override_by_name("from the file", [fixed("blue")])
            .override_by_name("lost", [fixed("red")]),
            Place(21, x=8, y=12, w=8, h=7),
            "Answers kept",
            "Answers a second: written from memory, put to the file while the database is away, written from it, lost.",
            promql(rate("api_monitoring_written_total"), "written", "A"),
            promql(rate("api_monitoring_spilled_total"), "to the file", "B"),
            promql(rate("api_monitoring_replayed_total"), "from the file", "C"),
            promql(rate("api_monitoring_dropped_total"), "lost", "D"),
        ),
        finished(
            chart("short").override_by_name("file", [option("unit", "bytes"), RIGHT_AXIS, fixed("orange")]),
            Place(22, x=16, y=12, w=8, h=7),
            "Answers that wait",
            "Answers in memory, and bytes in the file, for the monitoring database.",
            promql("sum(api_monitoring_queued)", "memory", "A"),
            promql("sum(api_monitoring_spill_bytes)", "file", "B"),
        ),
    ]


def drift() -> list[Panel]:
    """How far what is asked has moved from what the model was trained on."""
    # a window of drift is ten steps
    index = dashed(chart("short").decimals(3).max_data_points(STEPS), PSI[1:])
    unseen = chart("percentunit").max_data_points(STEPS)
    for name, colour in FEATURES.items():
        index.override_by_name(name, [fixed(colour)])
        unseen.override_by_name(name, [fixed(colour)])
    return [
        finished(
            index,
            Place(30, x=0, y=19, w=12, h=8),
            "Drift of the features",
            "Population stability index against training, of up to 300 answers a window: moderate from 0.1, much from "
            "0.25. A window of fewer than 100 answers shows none: choose a longer range.",
            Query("feature_drift", MONITORING, "time_series", column="psi"),
        ),
        finished(
            unseen,
            Place(31, x=12, y=19, w=12, h=8),
            "Unseen values",
            "Share of categories that no training row had, and of numbers beyond training's least and greatest.",
            Query("feature_drift", MONITORING, "time_series", column="unseen_share"),
        ),
    ]


def answers() -> list[Panel]:
    """How far the answers have moved, and the answers one by one."""
    table = (
        grid()
        .override_by_name("psi", [COLOURED_CELL, option("decimals", 3), option("thresholds", steps(PSI)), width(90)])
        .override_by_name("unseen", [*PERCENT, width(90)])
        .override_by_name("answers", [*COUNT, width(90)])
    )
    newest = (
        grid()
        .override_by_name("time", [option("unit", "time:HH:mm:ss.SSS"), width(120)])
        .override_by_name("cache", [mapped({"0": ("miss", PLAIN), "1": ("hit", GOOD)}), COLOURED_TEXT, width(70)])
        .override_by_name("latency", [option("unit", "s"), option("decimals", 1)])
        .override_by_regexp("age|instalment rate", [option("unit", "none"), option("decimals", 0)])
    )
    return [
        finished(
            dashed(chart("short").decimals(3).max_data_points(STEPS), PSI[1:]),
            Place(40, x=0, y=27, w=8, h=8),
            "Drift of the answers",
            "Population stability index of each endpoint's answers against the model's answers to its training rows.",
            Query("answer_drift", MONITORING, "time_series"),
        ),
        finished(
            chart("percentunit")
            .max(1)
            .max_data_points(STEPS)
            .override_by_name("declined", [fixed("red")])
            .override_by_name("declined in training", [fixed("text")]),
            Place(41, x=8, y=27, w=6, h=8),
            "Declined",
            "Share of the decisions, and of the model's decisions on its training rows.",
            Query("declined", MONITORING, "time_series"),
        ),
        finished(
            table,
            Place(42, x=14, y=27, w=10, h=8),
            "Drift over the range",
            "Every feature and endpoint, of up to 3,000 answers spread over the range; the most drifted first. Too few "
            "have no index: fewer than 100 of a feature, than 33 of an endpoint.",
            Query("drift_in_range", MONITORING),
        ),
        finished(
            newest,
            Place(43, x=0, y=35, w=24, h=10),
            "Newest answers",
            "The newest 50 answers of the range, one by one.",
            Query("last_answers", MONITORING),
        ),
    ]


def hit_share() -> str:
    hits = rate("api_cache_reads_total", 'result="hit"')
    return f"{hits} / {rate('api_cache_reads_total')}"
