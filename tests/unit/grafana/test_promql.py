"""The reading of PromQL that other tests lean on."""

import pytest

from tests.unit.grafana.promql import metrics


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up", {"up": set()}),
        ("sum(up)", {"up": set()}),
        ('sum by (a, b) (rate(x_total{c=~"d|e", f="by g"}[$__rate_interval]))', {"x_total": {"a", "b", "c", "f"}}),
        ("histogram_quantile(0.5, sum by (le) (rate(x_bucket{}[5m])))", {"x_bucket": {"le"}}),
        ("sum(rate(a_sum[1m])) / sum(rate(a_count[1m]))", {"a_sum": set(), "a_count": set()}),
        ("sum(increase(a[1m] offset 5m)) or vector(0)", {"a": set()}),
        ('clamp_min(a + sum(deriv(b{p!~"$x"}[1m])), 0)', {"a": set(), "b": {"p"}}),
    ],
)
def test_metrics_and_labels_are_found(expr: str, expected: dict[str, set[str]]) -> None:
    assert metrics(expr) == expected
