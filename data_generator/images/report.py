"""What a run of images did, in one line."""

from collections import Counter

from data_generator.generator import Summary
from data_generator.images.sender import ImageTally
from data_generator.report import done


def last_line(summary: Summary, tally: ImageTally, undone: int) -> str:
    """What was sent, answered, and done afterwards.

    Args:
        summary: of the run; its rows are images.
        tally: what became of them.
        undone: labels and events that a stop has left undone.
    """
    line = done("sent", summary, "images")
    if tally.answered:
        line += f"; {tally.answered:,} answered, {tally.right / tally.answered:.1%} of them right"
    if tally.refused:
        line += f"; {tally.refused:,} refused"
    for what, outcomes in (("labels", tally.labels), ("events", tally.events)):
        if outcomes:
            line += f"; {_told(what, outcomes)}"
    if undone:
        line += f"; {undone:,} labels or events left undone"
    return line


def _told(what: str, outcomes: Counter[str]) -> str:
    others = [f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()) if outcome != "done"]
    return ", ".join([f"{outcomes['done']:,} {what}", *others])
