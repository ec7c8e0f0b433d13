"""The last line of a run of applications tells what is certain."""

import pytest

from data_generator.applications.report import last_line
from data_generator.applications.sender import ApplicationTally
from data_generator.generator import Summary


@pytest.mark.parametrize(
    ("summary", "tally", "line"),
    [
        (Summary(0, 0.0), ApplicationTally(), "sent 0 applications in 0.0 s"),
        (
            Summary(1000, 50.0),
            ApplicationTally(answered=2998, hits=1499, refused=2),
            "sent 1,000 applications in 50.0 s, 20.0 applications/s; 2,998 requests answered, 1,499 from the cache "
            "(50.0%); 2 refused",
        ),
        (Summary(1, 2.0), ApplicationTally(refused=3), "sent 1 applications in 2.0 s, 0.5 applications/s; 3 refused"),
    ],
)
def test_last_line(summary: Summary, tally: ApplicationTally, line: str) -> None:
    assert last_line(summary, tally) == line
