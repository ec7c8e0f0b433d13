"""The dashboard *Pipeline health*: whether every pipeline keeps up, and what holds it if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders.dashboard import QueryVariable
from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from grafana.panels import (
    BAD,
    COLOURED_CELL,
    COLOURED_TEXT,
    GOOD,
    PLAIN,
    PROMETHEUS,
    RIGHT_AXIS,
    ROWS_A_SECOND,
    SOURCE,
    TARGET,
    WARNING,
    Place,
    chart,
    finished,
    fixed,
    grid,
    mapped,
    mapping,
    number,
    option,
    page,
    promql,
    states,
    thresholds,
    width,
)
from grafana.postgres import Query
from grafana.prometheus import RATE, increase, mean, quantile, rate

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

    from grafana.panels import Panel

UID: Final = "pipeline-health"
OF: Final = 'pipeline=~"$pipeline"'
LATENCY: Final = "subscriber_commit_to_prediction_seconds"
QUANTILES: Final = (0.5, 0.95, 0.99)
LIMITS: Final = [(None, GOOD), (0.25, WARNING), (1, BAD)]
READY: Final = {"0": ("not ready", BAD), "1": ("ready", GOOD)}


def build() -> Dashboard:
    description = "Rates, lag, latency, retries and dead letters of the pipelines; the model API; the replication slot."
    pipeline = (
        QueryVariable("pipeline")
        .label("Pipeline")
        .description("The pipelines to look at; their subscribers are added up.")
        .datasource(PROMETHEUS)
        .query({"query": "label_values(subscriber_ready, pipeline)", "refId": "pipeline"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )
    dashboard = page(UID, "Pipeline health", description, refresh="5s", since="now-15m").with_variable(pipeline)
    for panel in (*numbers(), *flow(), *stages(), *troubles(), *api(), *sources()):
        dashboard.with_panel(panel)
    return dashboard


def numbers() -> list[Panel]:
    """The top row."""
    return [
        finished(
            number("short", [(None, BAD), (1, GOOD)]).mappings([mapping(READY)]).no_value("no subscriber"),
            Place(1, x=0, y=0, w=3, h=4),
            "State",
            "Ready while rows that arrive are predicted. If not, a subscriber's /health/ready says what it waits for.",
            promql(f"min(subscriber_ready{{{OF}}})", instant=True),
        ),
        finished(
            number(ROWS_A_SECOND, decimals=1),
            Place(2, x=3, y=0, w=3, h=4),
            "Rows stored",
            "Predictions, dead letters and deletes stored a second.",
            promql(rate("subscriber_rows_total", OF)),
        ),
        finished(
            number("short", [(None, GOOD), (10_000, WARNING), (100_000, BAD)]),
            Place(3, x=6, y=0, w=3, h=4),
            "Lag",
            "Offsets between the topic's end and what is stored, over all partitions.",
            promql(f"sum(subscriber_lag{{{OF}}})", instant=True),
        ),
        finished(
            number("s", LIMITS),
            Place(4, x=9, y=0, w=3, h=4),
            "Latency p99",
            "From the commit in the source to the prediction's commit in the target.",
            promql(quantile(0.99, LATENCY, OF)),
        ),
        finished(
            number("short", [(None, GOOD), (1, BAD)], decimals=0),
            Place(5, x=12, y=0, w=3, h=4),
            "Dead letters",
            "Rows in the range that could not be predicted.",
            promql(increase("subscriber_dead_letters_total", OF) + " or vector(0)", instant=True),
        ),
        finished(
            number("short", [(None, GOOD), (1, WARNING)], decimals=0),
            Place(6, x=15, y=0, w=3, h=4),
            "Retries",
            "Tries in the range that failed and were repeated: a server was away or busy.",
            promql(increase("subscriber_retries_total", OF), instant=True),
        ),
        finished(
            number("bytes", [(None, GOOD), (256 * 2**20, WARNING), (2**30, BAD)]),
            Place(7, x=18, y=0, w=3, h=4),
            "Log held",
            "Write-ahead log that the source keeps for its replication slots, now.",
            Query("slot_held", SOURCE),
        ),
        finished(
            number("short", [(None, PLAIN)]).text_mode(BigValueTextMode.NAME),
            Place(8, x=21, y=0, w=3, h=4),
            "Model version",
            "The version that answered last; two while subscribers change over.",
            promql(f"max by (version) (subscriber_model{{{OF}}})", "{{version}}", instant=True),
        ),
    ]


def flow() -> list[Panel]:
    """What goes in and out, how far behind, how late."""
    arriving = f"clamp_min({rate('subscriber_rows_total', OF)} + sum(deriv(subscriber_lag{{{OF}}}[{RATE}])), 0)"
    return [
        finished(
            chart(ROWS_A_SECOND)
            .override_by_name("arriving", [fixed("blue")])
            .override_by_name("predicted", [fixed("green")])
            .override_by_name("dead", [fixed("red")])
            .override_by_name("deleted", [fixed("yellow")]),
            Place(10, x=0, y=4, w=8, h=8),
            "Rows in and out",
            "Stored rows by result; arriving is what is stored and what the lag grows by.",
            promql(arriving, "arriving", "A"),
            promql(rate("subscriber_rows_total", OF, by="result"), "{{result}}", "B"),
        ),
        finished(
            chart("short"),
            Place(11, x=8, y=4, w=8, h=8),
            "Lag",
            "Offsets not stored yet of each partition. One that alone stands high has no owner, or a slow one.",
            promql(f"sum by (pipeline, partition) (subscriber_lag{{{OF}}})", "{{pipeline}} {{partition}}"),
        ),
        finished(
            chart("s").thresholds(thresholds([(None, "transparent"), (1, BAD)])),
            Place(12, x=16, y=4, w=8, h=8),
            "From commit to prediction",
            "Quantiles over all rows; of a large batch, 50 rows stand for all. Within 15 % of the true ones.",
            *(promql(quantile(q, LATENCY, OF), f"p{q * 100:g}", ref) for q, ref in zip(QUANTILES, "ABC", strict=True)),
        ),
    ]


def stages() -> list[Panel]:
    """Where a batch spends its time."""
    stage = "subscriber_stage_seconds"
    return [
        finished(
            states().mappings([mapping(READY)]).thresholds(thresholds([(None, BAD), (1, GOOD)])),
            Place(20, x=0, y=12, w=8, h=7),
            "Ready",
            "Each subscriber over time. It is not ready while it starts, waits for a server, or has no partition.",
            promql(f"min by (pipeline, instance) (subscriber_ready{{{OF}}})", "{{pipeline}} {{instance}}"),
        ),
        finished(
            chart("s"),
            Place(21, x=8, y=12, w=8, h=7),
            "Time of the stages",
            "Mean and 95th percentile a batch. The stages overlap: the longest of them sets the pace.",
            promql(mean(stage, OF, by="stage"), "{{stage}} mean", "A"),
            promql(quantile(0.95, stage, OF, by="stage"), "{{stage}} p95", "B"),
        ),
        finished(
            chart("short"),
            Place(22, x=16, y=12, w=8, h=7),
            "Rows a batch",
            "One at a time on an idle stream; up to 2,500 when there is a backlog.",
            promql(mean("subscriber_batch_rows", OF), "mean", "A"),
            promql(quantile(0.95, "subscriber_batch_rows", OF), "p95", "B"),
        ),
    ]


def troubles() -> list[Panel]:
    """What went wrong, and how often."""
    return [
        finished(
            chart("short").decimals(0),
            Place(30, x=0, y=19, w=8, h=7),
            "Retries",
            "Repeated tries a minute by stage: start and store wait for the database, predict for the model API.",
            promql(increase("subscriber_retries_total", OF, by="stage", window="1m"), "{{stage}}"),
        ),
        finished(
            chart("short").decimals(0),
            Place(31, x=8, y=19, w=8, h=7),
            "Dead letters by cause",
            "Dead letters a minute. The table below shows them one by one.",
            promql(increase("subscriber_dead_letters_total", OF, by="cause", window="1m"), "{{cause}}"),
        ),
        finished(
            chart("short").decimals(0).override_by_name("fenced", [fixed(WARNING)]),
            Place(32, x=16, y=19, w=8, h=7),
            "Rebalances and fenced batches",
            "Partitions given or taken a minute, and batches dropped because another owner had moved on.",
            promql(increase("subscriber_rebalances_total", OF, window="1m"), "rebalances", "A"),
            promql(increase("subscriber_fenced_total", OF, window="1m"), "fenced", "B"),
        ),
    ]


def api() -> list[Panel]:
    """The model API, all its containers together."""
    answers = 'endpoint=~".*(infer|predict)"'
    return [
        finished(
            chart("reqps"),
            Place(40, x=0, y=26, w=6, h=7),
            "API requests",
            "Requests a second by endpoint and status.",
            promql(rate("api_requests_total", "", "endpoint, status"), "{{endpoint}} {{status}}"),
        ),
        finished(
            chart("s"),
            Place(41, x=6, y=26, w=6, h=7),
            "API latency",
            "Of predictions, from a request's head to the end of its answer.",
            *(
                promql(quantile(q, "api_request_seconds", answers), f"p{q * 100:g}", ref)
                for q, ref in zip(QUANTILES, "ABC", strict=True)
            ),
        ),
        finished(
            chart("short"),
            Place(42, x=12, y=26, w=6, h=7),
            "API rows",
            "Rows predicted a second by model and version, and the mean number of rows a request.",
            promql(rate("api_rows_predicted_total", "", "model, version"), "{{model}} {{version}} a second", "A"),
            promql(mean("api_batch_rows", ""), "rows a request", "B"),
        ),
        finished(
            chart("percentunit").override_by_regexp(".* memory", [option("unit", "bytes"), RIGHT_AXIS]),
            Place(43, x=18, y=26, w=6, h=7),
            "Processes",
            "Processor time (1 is one core) and resident memory, of those that export them.",
            promql("sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))", "{{job}} cpu", "A"),
            promql("sum by (job) (process_resident_memory_bytes)", "{{job}} memory", "B"),
        ),
    ]


def sources() -> list[Panel]:
    """What the databases themselves say."""
    slots = (
        grid()
        .unit("bytes")
        .override_by_name("active", [mapped({"true": ("yes", GOOD), "false": ("no", BAD)}), COLOURED_TEXT])
        .override_by_name(
            "log",
            [
                mapped(
                    {
                        "reserved": ("reserved", GOOD),
                        "extended": ("extended", WARNING),
                        "unreserved": ("unreserved", BAD),
                        "lost": ("lost", BAD),
                    }
                ),
                COLOURED_CELL,
            ],
        )
    )
    letters = (
        grid()
        .override_by_name("time", [option("unit", "dateTimeAsLocal"), width(160)])
        .override_by_regexp("pipeline|partition", [width(90)])
        .override_by_name("cause", [width(160)])
        .override_by_name("offset", [option("unit", "none"), width(100)])
    )
    return [
        finished(
            slots,
            Place(50, x=0, y=33, w=24, h=5),
            "Replication slots",
            "Of the source database: the write-ahead log that the server keeps for each, what Debezium has not "
            "confirmed, and how much may be written before the slot is cut off. A lost slot needs a new snapshot.",
            Query("slots", SOURCE),
        ),
        finished(
            letters,
            Place(51, x=0, y=38, w=24, h=10),
            "Newest dead letters",
            "Of every pipeline. Mend the cause, then write the row in the source once more: it is predicted anew.",
            Query("dead_letters", TARGET),
        ),
    ]
