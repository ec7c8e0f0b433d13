"""The last line says what is certain, and what is not."""

import pytest

from data_generator.generator import Summary
from data_generator.report import last_line


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (Summary(0, 0.0), "wrote 0 rows in 0.0 s"),
        (Summary(1000, 2.0), "wrote 1,000 rows in 2.0 s, 500.0 rows/s"),
        (
            Summary(1, 1.0, unknown=5),
            "wrote 1 rows in 1.0 s, 1.0 rows/s; the last batch (5 rows) may be stored or not: "
            "the database went away before it said",
        ),
    ],
)
def test_last_line(summary: Summary, line: str) -> None:
    assert last_line(summary) == line
