"""The last line of a run of images tells what is certain."""

from collections import Counter

import pytest

from data_generator.generator import Summary
from data_generator.images.report import last_line
from data_generator.images.sender import ImageTally


@pytest.mark.parametrize(
    ("summary", "tally", "undone", "line"),
    [
        (Summary(0, 0.0), ImageTally(), 0, "sent 0 images in 0.0 s"),
        (
            Summary(1000, 50.0),
            ImageTally(answered=1000, right=965),
            0,
            "sent 1,000 images in 50.0 s, 20.0 images/s; 1,000 answered, 96.5% of them right",
        ),
        (
            Summary(10, 5.0),
            ImageTally(
                answered=8, right=8, refused=2, labels=Counter(done=3, refused=1), events=Counter({"given up": 1})
            ),
            2,
            "sent 10 images in 5.0 s, 2.0 images/s; 8 answered, 100.0% of them right; 2 refused; 3 labels, 1 refused; "
            "0 events, 1 given up; 2 labels or events left undone",
        ),
    ],
)
def test_last_line(summary: Summary, tally: ImageTally, undone: int, line: str) -> None:
    assert last_line(summary, tally, undone) == line
