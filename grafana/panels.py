"""The panels that the dashboards are made of: one look for all, in terms of Grafana 9.3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    piechart,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import table as table_model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    GridPos,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.piechart import PieChartLabels, PieChartLegendValues, PieChartType

# the data sources of `provisioning/datasources`, by uid
TARGET: Final = DataSourceRef("postgres", "target")
SOURCE: Final = DataSourceRef("postgres", "source")
MONITORING: Final = DataSourceRef("postgres", "monitoring")
PROMETHEUS: Final = DataSourceRef("prometheus", "prometheus")

TAG: Final = "stream-serving"
# each class has one colour everywhere; green and red are for right and wrong
CLASSES: Final = {"setosa": "blue", "versicolor": "orange", "virginica": "purple"}
# units that Grafana 9.3 has no names for
CENTIMETRES: Final = "suffix:cm"
ROWS_A_SECOND: Final = "suffix:rows/s"
GOOD, WARNING, BAD, PLAIN = "green", "orange", "red", "text"

Steps = list[tuple[float | None, str]]
# a population stability index, as `python -m api.drift` has it, and a share of right answers
# steps of a chart: each costs as many look-ups in an index, at every refresh
STEPS: Final = 300
PSI: Final[Steps] = [(None, GOOD), (0.1, WARNING), (0.25, BAD)]
RIGHT: Final[Steps] = [(None, BAD), (0.8, WARNING), (0.9, GOOD)]

Panel = timeseries.Panel | stat.Panel | table.Panel | piechart.Panel | statetimeline.Panel
P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, piechart.Panel, statetimeline.Panel)


@dataclass(frozen=True)
class Place:
    """Where a panel stands in the grid of 24 columns; `id` is kept for good: links and alerts name it."""

    id: int
    x: int
    y: int
    w: int
    h: int


def finished(panel: P, place: Place, title: str, description: str, *queries: Builder[Dataquery]) -> P:
    """The panel with what each has; its data source is its first query's."""
    panel.id(place.id).grid_pos(GridPos(x=place.x, y=place.y, w=place.w, h=place.h))
    panel.title(title).description(description).targets(list(queries))
    first: Any = queries[0].build()
    panel.datasource(first.datasource)
    return panel


def promql(expr: str, legend: str = "", ref_id: str = "A", *, instant: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expr).legend_format(legend or "__auto").ref_id(ref_id).datasource(PROMETHEUS)
    return query.instant() if instant else query.range()


def number(unit: str, steps: Steps | None = None, *, decimals: int | None = None) -> stat.Panel:
    """One number, coloured by thresholds if there are any."""
    panel = (
        stat.Panel()
        .unit(unit)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .thresholds(thresholds(steps or [(None, PLAIN)]))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .no_value("-")
    )
    return panel if decimals is None else panel.decimals(decimals)


def chart(unit: str, *, legend_values: bool = False) -> timeseries.Panel:
    """Lines over time from zero up."""
    legend = common.VizLegendOptions().placement(LegendPlacement.BOTTOM).show_legend(True)
    if legend_values:
        legend.display_mode(LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    else:
        legend.display_mode(LegendDisplayMode.LIST).calcs([])
    return (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .draw_style(GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(8)
        .show_points(VisibilityMode.AUTO)
        .point_size(4)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )


def points(unit: str) -> timeseries.Panel:
    """Points over time, for values that come one by one; the axis fits them."""
    panel = chart(unit).draw_style(GraphDrawStyle.POINTS).show_points(VisibilityMode.ALWAYS).point_size(5)
    panel._internal.field_config.defaults.min_val = None
    return panel


def shares() -> timeseries.Panel:
    """Bars that fill the height, parted by class: a single row is one colour, many are a mixture."""
    return (
        chart("short")
        .draw_style(GraphDrawStyle.BARS)
        .line_width(0)
        .fill_opacity(90)
        .show_points(VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(StackingMode.PERCENT).group("A"))
    )


def states() -> statetimeline.Panel:
    """A bar a series, coloured by its state."""
    return (
        statetimeline.Panel()
        .show_value(VisibilityMode.NEVER)
        .row_height(0.8)
        .merge_values(True)
        .line_width(0)
        .fill_opacity(80)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE).sort(SortOrder.NONE))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    )


def donut() -> piechart.Panel:
    """One slice a column."""
    return (
        piechart.Panel()
        .unit("short")
        .pie_type(PieChartType.DONUT)
        .display_labels([PieChartLabels.PERCENT])
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .legend(
            piechart.PieChartLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.RIGHT)
            .show_legend(True)
            .calcs([])
            .values([PieChartLegendValues.VALUE, PieChartLegendValues.PERCENT])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE).sort(SortOrder.NONE))
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
    )


def grid() -> table.Panel:
    """A table."""
    panel = table.Panel().show_header(True).color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    # newer than Grafana 9.3
    options = panel._internal.options
    assert isinstance(options, table_model.Options)  # noqa: S101
    options.cell_height = None
    return panel


def with_class_colours(panel: P) -> P:
    """Series or columns named after a class in its colour."""
    for name, colour in CLASSES.items():
        panel.override_by_name(name, [fixed(colour)])
    return panel


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=colour) for value, colour in steps])
    )


def dashed(panel: timeseries.Panel, limits: Steps) -> timeseries.Panel:
    """Draw dashed lines at the limits."""
    return panel.thresholds(thresholds([(None, "transparent"), *limits])).thresholds_style(
        common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
    )


# ---- properties of a field, for overrides


def steps(limits: Steps) -> dict[str, object]:
    """Thresholds as the property of a field."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in limits]}


def option(name: str, value: object) -> DynamicConfigValue:
    return DynamicConfigValue(name, value)


def fixed(colour: str) -> DynamicConfigValue:
    return option("color", {"mode": "fixed", "fixedColor": colour})


def mapped(texts: dict[str, tuple[str, str]]) -> DynamicConfigValue:
    """Values as texts in colours."""
    return option("mappings", [mapping(texts)])


def mapping(texts: dict[str, tuple[str, str]]) -> ValueMap:
    return ValueMap(
        {
            value: ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(texts.items())
        }
    )


# a table's cells; Grafana 9.4 and later translate `displayMode` as they read it
COUNT: Final = [option("unit", "short"), option("decimals", 0)]
PERCENT: Final = [option("unit", "percentunit"), option("decimals", 1)]
RIGHT_AXIS: Final = option("custom.axisPlacement", "right")
COLOURED_TEXT: Final = option("custom.displayMode", "color-text")
CENTRED: Final = option("custom.align", "center")
COLOURED_CELL: Final = option("custom.displayMode", "color-background-solid")
CLASS_CELLS: Final = [
    mapped({str(i): (name, colour) for i, (name, colour) in enumerate(CLASSES.items())}),
    COLOURED_TEXT,
    option("custom.align", "left"),
]


def width(pixels: int) -> DynamicConfigValue:
    return option("custom.width", pixels)


# ---- what every dashboard has


def page(uid: str, title: str, description: str, refresh: str, since: str) -> dashboard.Dashboard:
    """A dashboard with links to the others."""
    links = (
        dashboard.DashboardLink("Stream serving")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(False)
        .icon("external link")
    )
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh(refresh)
        .time(since, "now")
        .timepicker(dashboard.TimePicker().refresh_intervals(["500ms", "1s", "2s", "5s", "10s", "30s", "1m", "5m"]))
        .link(links)
        .version(1)
    )
