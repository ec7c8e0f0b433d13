"""What a run of applications did, in one line."""

from data_generator.applications.sender import ApplicationTally
from data_generator.generator import Summary
from data_generator.report import done


def last_line(summary: Summary, tally: ApplicationTally) -> str:
    """What was sent, answered, refused, and how much came from the cache.

    Args:
        summary: of the run; its rows are applications.
        tally: what became of the requests, several an application.
    """
    line = done("sent", summary, "applications")
    if tally.answered:
        line += f"; {tally.answered:,} requests answered, {tally.hits:,} from the cache"
        line += f" ({tally.hits / tally.answered:.1%})"
    if tally.refused:
        line += f"; {tally.refused:,} refused"
    return line
