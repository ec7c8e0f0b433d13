"""The dashboard *Iris stream*: original rows and their predictions side by side, as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models.common import VisibilityMode

from grafana.panels import (
    BAD,
    CENTIMETRES,
    CENTRED,
    CLASS_CELLS,
    CLASSES,
    COLOURED_CELL,
    COLOURED_TEXT,
    GOOD,
    PLAIN,
    RIGHT,
    ROWS_A_SECOND,
    STEPS,
    TARGET,
    WARNING,
    Place,
    chart,
    dashed,
    donut,
    finished,
    fixed,
    grid,
    mapped,
    number,
    option,
    page,
    points,
    shares,
    width,
    with_class_colours,
)
from grafana.postgres import Query

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

    from grafana.panels import Panel

UID: Final = "iris-stream"
FEATURES: Final = {
    "sepal length": "light-green",
    "sepal width": "dark-green",
    "petal length": "light-blue",
    "petal width": "dark-blue",
}


def over_time(name: str, **names: str) -> Query:
    return Query(name, TARGET, "time_series", **names)


def build() -> Dashboard:
    description = "Rows of iris_data as they come, what the model makes of them, and how often it is right."
    dashboard = page(UID, "Iris stream", description, refresh="500ms", since="now-5m")
    for panel in (*numbers(), *streams(), *features(), *judgement()):
        dashboard.with_panel(panel)
    return dashboard


def numbers() -> list[Panel]:
    """The top row."""
    return [
        finished(
            number(ROWS_A_SECOND, decimals=1),
            Place(1, x=0, y=0, w=3, h=4),
            "Rows a second",
            "Rows written to the source in the last 10 s, by the copy that the sink connector keeps.",
            Query("rows_a_second", TARGET),
        ),
        finished(
            number(ROWS_A_SECOND, decimals=1),
            Place(2, x=3, y=0, w=3, h=4),
            "Predictions a second",
            "Predictions of rows written in the last 10 s; as many as there are rows while the stream keeps up.",
            Query("predictions_a_second", TARGET),
        ),
        finished(
            number("short"),
            Place(3, x=6, y=0, w=3, h=4),
            "Predictions",
            "Predictions of rows in the time range. Up to 100,000 are counted, more are told by their ids.",
            Query("predictions_in_range", TARGET),
        ),
        finished(
            number("percentunit", RIGHT, decimals=1).max(1),
            Place(4, x=9, y=0, w=3, h=4),
            "Accuracy",
            "Right predictions among the newest 1,000 rows of the range.",
            Query("accuracy_now", TARGET),
        ),
        finished(
            number("s", [(None, GOOD), (0.25, WARNING), (1, BAD)]),
            Place(5, x=12, y=0, w=6, h=4),
            "From row to prediction",
            "From the row's timestamp to its prediction's, median and 95th percentile of the newest 1,000. The clocks "
            "are the two databases' own.",
            Query("latency", TARGET),
        ),
        finished(
            number("s", [(None, PLAIN)], decimals=0),
            Place(6, x=18, y=0, w=3, h=4),
            "Newest row",
            "How long ago the newest predicted row was written. It grows while none comes, or none is predicted.",
            Query("age", TARGET),
        ),
        finished(
            number("short", [(None, GOOD), (1, BAD)]),
            Place(7, x=21, y=0, w=3, h=4),
            "Dead letters",
            "Rows in the time range that could not be predicted; Pipeline health shows why.",
            Query("dead_letters_in_range", TARGET),
        ),
    ]


def streams() -> list[Panel]:
    """Left what came, right what it was predicted to be, above it what it was."""
    rows = chart(CENTIMETRES).fill_opacity(0).span_nulls(False).max_data_points(STEPS)
    for name, colour in FEATURES.items():
        rows.override_by_name(name, [fixed(colour)])
    true = with_class_colours(shares()).max_data_points(STEPS)
    predicted = with_class_colours(shares()).max_data_points(STEPS)
    return [
        finished(
            rows,
            Place(10, x=0, y=4, w=12, h=10),
            "Original rows",
            "The four lengths as they were written. A step of the chart with several rows shows the mean of up to 10.",
            over_time("features"),
        ),
        finished(
            true,
            Place(11, x=12, y=4, w=12, h=5),
            "True class",
            "The class the source knows, in step with the predictions below: where the two differ, the model is wrong. "
            "Each bar is parted by up to 10 rows.",
            over_time("true_class"),
        ),
        finished(
            predicted,
            Place(12, x=12, y=9, w=12, h=5),
            "Predicted class",
            "What the model says of the rows, at the time of the row. Each bar is parted by up to 10 predictions.",
            over_time("predicted_class"),
        ),
    ]


def features() -> list[Panel]:
    """Each length by predicted class: how well it separates them, and whether it drifts."""
    return [
        finished(
            with_class_colours(points(CENTIMETRES)).max_data_points(STEPS),
            Place(20 + i, x=6 * i, y=14, w=6, h=7),
            name.capitalize(),
            f"{name.capitalize()} by predicted class, the mean of up to 10 rows a step. Levels that move are drift.",
            over_time("feature_by_class", column=name.replace(" ", "_")),
        )
        for i, name in enumerate(FEATURES)
    ]


def judgement() -> list[Panel]:
    """How right it is, and the rows one by one."""
    running = dashed(
        chart("percentunit", legend_values=False)
        .max(1)
        .fill_opacity(0)
        .line_width(2)
        .show_points(VisibilityMode.NEVER)
        .span_nulls(True)
        .max_data_points(STEPS)
        .override_by_name("since the start", [fixed("green")])
        .override_by_name("last 30 steps", [fixed("light-yellow"), option("custom.lineWidth", 1)]),
        [(0.9, GOOD)],
    )
    confusion = (
        grid()
        .unit("percentunit")
        .decimals(1)
        .min(0)
        .max(1)
        .override_by_regexp(
            "|".join(CLASSES),
            [COLOURED_CELL, option("color", {"mode": "continuous-blues"}), CENTRED],
        )
        .override_by_name(
            "true class", [mapped({name: (name, colour) for name, colour in CLASSES.items()}), COLOURED_TEXT]
        )
        .override_by_name("rows", [option("unit", "short"), option("decimals", 0), width(80)])
    )
    rows = (
        grid()
        .unit("short")
        .override_by_name("time", [option("unit", "time:HH:mm:ss.SSS"), width(120)])
        .override_by_name("id", [option("unit", "none"), width(100)])
        .override_by_regexp("(sepal|petal) .*", [option("unit", CENTIMETRES), option("decimals", 1)])
        .override_by_regexp("true class|prediction", CLASS_CELLS)
        .override_by_name(
            "result",
            [mapped({"0": ("wrong", BAD), "1": ("correct", GOOD)}), COLOURED_CELL, CENTRED],
        )
        .override_by_name("latency", [option("unit", "s"), option("decimals", 0)])
    )
    return [
        finished(
            with_class_colours(donut()),
            Place(30, x=0, y=21, w=6, h=8),
            "Share of classes",
            "Of the newest 10,000 predictions in the range. The flowers are drawn a third each: a share far from that "
            "is drift, of the rows or of the model.",
            Query("class_share", TARGET),
        ),
        finished(
            running,
            Place(31, x=6, y=21, w=9, h=8),
            "Accuracy",
            "Right predictions by the source's truth, of up to 10 rows a step: all since the start of the range, and "
            "the last 30 steps.",
            over_time("accuracy"),
        ),
        finished(
            confusion,
            Place(32, x=15, y=21, w=9, h=8),
            "Confusion matrix",
            "A line a true class: which part of its rows was predicted to be which class, among the newest 5,000 rows "
            "of the range. A perfect model has 100 % on the diagonal.",
            Query("confusion", TARGET),
        ),
        finished(
            rows,
            Place(33, x=0, y=29, w=24, h=12),
            "Newest rows",
            "The newest 50 rows of the range with their newest prediction; a row that has none yet is blank there.",
            Query("last_rows", TARGET),
        ),
    ]
