"""The dashboard *Images: traffic, classes, truth*: what the images' model is sent, says, and how often it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models.common import VisibilityMode

from grafana.panels import (
    BAD,
    CENTRED,
    COLOURED_CELL,
    COLOURED_TEXT,
    COUNT,
    GOOD,
    MONITORING,
    PERCENT,
    PLAIN,
    PSI,
    RIGHT,
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
    shares,
    steps,
    width,
)
from grafana.postgres import Query
from grafana.prometheus import increase, quantile, rate

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

    from grafana.panels import Panel

UID: Final = "images"
ENDPOINTS: Final = 'endpoint=~"/images.*"'
UPLOADS: Final = 'endpoint="/images"'
DIGITS: Final = "[0-9]"
SURE: Final = {"under 50 %": "red", "50 to 80 %": "orange", "80 to 95 %": "light-blue", "over 95 %": "blue"}


def build() -> Dashboard:
    description = "Images of digits: requests, what they were answered to be and how surely, their truth, the archive."
    dashboard = page(UID, "Images: traffic, classes, truth", description, refresh="30s", since="now-1h")
    for panel in (*numbers(), *traffic(), *classes(), *truth(), *archive(), *answers()):
        dashboard.with_panel(panel)
    return dashboard


def over_time(name: str) -> Query:
    return Query(name, MONITORING, "time_series")


def numbers() -> list[Panel]:
    """The top row."""
    return [
        finished(
            number("reqps", decimals=1),
            Place(1, x=0, y=0, w=3, h=4),
            "Images",
            "Images sent a second, refused ones too.",
            promql(rate("api_requests_total", UPLOADS)),
        ),
        finished(
            number("short", decimals=0),
            Place(2, x=3, y=0, w=3, h=4),
            "Answers kept",
            "Images of the range in the monitoring database; up to 100,000 are counted.",
            Query("images_in_range", MONITORING),
        ),
        finished(
            number("s", [(None, GOOD), (0.1, WARNING), (0.5, BAD)]),
            Place(3, x=6, y=0, w=3, h=4),
            "Latency p99",
            "From a request's head to the end of its answer, the upload with it.",
            promql(quantile(0.99, "api_request_seconds", UPLOADS)),
        ),
        finished(
            number("percentunit", RIGHT, decimals=1).max(1),
            Place(4, x=9, y=0, w=3, h=4),
            "Accuracy",
            "Right answers among the labelled of the newest 10,000 images of the range.",
            Query("image_accuracy_now", MONITORING),
        ),
        finished(
            number("percentunit", decimals=1).max(1),
            Place(5, x=12, y=0, w=3, h=4),
            "Labelled",
            "Share of the newest 10,000 images of the range whose truth is known.",
            Query("image_labelled_share", MONITORING),
        ),
        finished(
            number("short", PSI, decimals=3),
            Place(6, x=15, y=0, w=3, h=4),
            "Drift of the classes",
            "Population stability index of the answers to the newest 10,000 images of the range against those to the "
            "training rows: moderate from 0.1, much from 0.25.",
            Query("image_class_drift", MONITORING),
        ),
        finished(
            number("s", [(None, GOOD), (10, WARNING), (300, BAD)], decimals=0),
            Place(7, x=18, y=0, w=3, h=4),
            "Oldest not archived",
            "Age of the oldest answered image that is not in the archive yet. It grows while the store is away.",
            promql("max(api_archive_oldest_seconds)", instant=True),
        ),
        finished(
            number("short", [(None, GOOD), (1, BAD)], decimals=0),
            Place(8, x=21, y=0, w=3, h=4),
            "Images lost",
            "Images of the range that were answered and could not be archived.",
            promql(increase("api_archive_lost_total"), instant=True),
        ),
    ]


def traffic() -> list[Panel]:
    """What is sent, how fast it is answered, and how surely."""
    confidence = shares().max_data_points(STEPS)
    for name, colour in SURE.items():
        confidence.override_by_name(name, [fixed(colour)])
    return [
        finished(
            chart("reqps"),
            Place(10, x=0, y=4, w=8, h=8),
            "Requests",
            "Requests a second by endpoint and status.",
            promql(rate("api_requests_total", ENDPOINTS, "endpoint, status"), "{{endpoint}} {{status}}"),
        ),
        finished(
            chart("s"),
            Place(11, x=8, y=4, w=8, h=8),
            "Latency",
            "Of sent images, from a request's head to the end of its answer.",
            promql(quantile(0.5, "api_request_seconds", UPLOADS), "p50", "A"),
            promql(quantile(0.95, "api_request_seconds", UPLOADS), "p95", "B"),
            promql(quantile(0.99, "api_request_seconds", UPLOADS), "p99", "C"),
        ),
        finished(
            confidence,
            Place(12, x=16, y=4, w=8, h=8),
            "Confidence",
            "How sure the answers were. Each bar is parted by up to 10 images; more red and orange is drift.",
            over_time("image_confidence"),
        ),
    ]


def classes() -> list[Panel]:
    """What the images were answered to be, against training, and how surely."""
    against = (
        grid()
        .override_by_name("digit", [CENTRED, width(60)])
        .override_by_name("images", [*COUNT, width(90)])
        .override_by_regexp("share|in training", PERCENT)
        .override_by_name(
            "difference",
            [*PERCENT, COLOURED_CELL, option("thresholds", steps([(None, BAD), (-0.05, PLAIN), (0.05, BAD)]))],
        )
    )
    bins = (
        grid()
        .override_by_regexp("images|labelled", [*COUNT, width(90)])
        .override_by_regexp("share|mean", PERCENT)
        .override_by_name("right", [*PERCENT, COLOURED_TEXT, option("thresholds", steps(RIGHT))])
    )
    return [
        finished(
            shares().max_data_points(STEPS),
            Place(20, x=0, y=12, w=8, h=9),
            "Classes",
            "What the images were answered to be. Each bar is parted by up to 10 images.",
            over_time("image_classes"),
        ),
        finished(
            against,
            Place(21, x=8, y=12, w=8, h=9),
            "Classes against training",
            "Of the newest 10,000 images of the range, and of the model's answers to its training rows.",
            Query("image_class_shares", MONITORING),
        ),
        finished(
            bins,
            Place(22, x=16, y=12, w=8, h=9),
            "Confidence, and how often it was right",
            "Of the newest 10,000 images of the range. A calibrated model is right as often as it is sure.",
            Query("image_confidence_bins", MONITORING),
        ),
    ]


def truth() -> list[Panel]:
    """How right the answers were, of those images whose truth is known."""
    accuracy = dashed(
        chart("percentunit")
        .max(1)
        .fill_opacity(0)
        .line_width(2)
        .show_points(VisibilityMode.ALWAYS)
        .span_nulls(True)
        .max_data_points(STEPS),
        [(0.9, GOOD)],
    )
    confusion = (
        grid()
        .unit("percentunit")
        .decimals(0)
        .min(0)
        .max(1)
        .override_by_regexp(DIGITS, [COLOURED_CELL, option("color", {"mode": "continuous-blues"}), CENTRED])
        .override_by_name("true digit", [CENTRED, width(90)])
        .override_by_name("images", [option("unit", "short"), width(80)])
    )
    versions = (
        grid()
        .override_by_regexp("images|labelled", [*COUNT, width(90)])
        .override_by_name("right", [*PERCENT, COLOURED_TEXT, option("thresholds", steps(RIGHT))])
        .override_by_name("confidence", PERCENT)
        .override_by_name("last answer", [option("unit", "dateTimeAsLocal")])
    )
    return [
        finished(
            accuracy,
            Place(30, x=0, y=21, w=8, h=9),
            "Accuracy by model version",
            "Right answers among the labelled of up to 1,000 images a window, by the time of the image.",
            over_time("image_accuracy"),
        ),
        finished(
            confusion,
            Place(31, x=8, y=21, w=10, h=9),
            "Confusion matrix",
            "A line a true digit: what its images were answered to be, of the labelled among the newest 10,000 images "
            "of the range.",
            Query("image_confusion", MONITORING),
        ),
        finished(
            versions,
            Place(32, x=18, y=21, w=6, h=9),
            "Model versions",
            "What each version made of the newest 10,000 images of the range.",
            Query("image_versions", MONITORING),
        ),
    ]


def archive() -> list[Panel]:
    """How the archive takes the images."""
    return [
        finished(
            chart("short").override_by_name("bytes", [option("unit", "bytes"), RIGHT_AXIS, fixed("orange")]),
            Place(40, x=0, y=30, w=8, h=7),
            "Images that wait",
            "Images on their way to the archive, on disk or, if that takes no more, in memory, and their bytes.",
            promql("sum(api_archive_waiting)", "images", "A"),
            promql("sum(api_archive_waiting_bytes)", "bytes", "B"),
        ),
        finished(
            chart("s"),
            Place(41, x=8, y=30, w=8, h=7),
            "Oldest not archived",
            "Age of the oldest answered image that is not in the archive yet, of each process.",
            promql("api_archive_oldest_seconds", "{{instance}}"),
        ),
        finished(
            chart("ops")
            .override_by_name("stored", [fixed("green")])
            .override_by_name("failed", [fixed("orange")])
            .override_by_name("lost", [fixed("red")]),
            Place(42, x=16, y=30, w=8, h=7),
            "Archive",
            "Images a second: stored, tries that failed and are repeated, lost.",
            promql(rate("api_archive_uploads_total", 'outcome=~"stored|found"'), "stored", "A"),
            promql(rate("api_archive_uploads_total", 'outcome="failed"'), "failed", "B"),
            promql(rate("api_archive_lost_total"), "lost", "C"),
        ),
    ]


def answers() -> list[Panel]:
    """The images one by one."""
    newest = (
        grid()
        .override_by_name("time", [option("unit", "time:HH:mm:ss.SSS"), width(120)])
        .override_by_regexp("answer|truth", [option("unit", "none"), option("decimals", 0), CENTRED, width(70)])
        .override_by_name("confidence", [*PERCENT, width(90)])
        .override_by_name(
            "result", [mapped({"0": ("wrong", BAD), "1": ("right", GOOD)}), COLOURED_CELL, CENTRED, width(80)]
        )
        .override_by_name("latency", [option("unit", "s"), option("decimals", 1), width(90)])
        .override_by_name("size", [option("unit", "bytes"), width(80)])
    )
    return [
        finished(
            newest,
            Place(50, x=0, y=37, w=24, h=10),
            "Newest images",
            "The newest 50 images of the range, with their place in the archive.",
            Query("last_images", MONITORING),
        ),
    ]
