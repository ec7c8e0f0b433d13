"""Drift: the features move away from what a model was trained on, steadily, so that monitoring has something to see."""

import math


def shift(per_minute: float, standard_deviation: float, elapsed_seconds: float) -> float:
    """How far a feature's mean has moved, in the feature's own unit.

    Args:
        per_minute: standard deviations a minute; negative moves down, 0 not at all.
        standard_deviation: of the feature in the undrifted data, in its own unit.
        elapsed_seconds: since the start of the run.
    """
    return per_minute * standard_deviation * elapsed_seconds / 60.0


def replaced_share(per_minute: float, elapsed_seconds: float) -> float:
    """How large a share of a text feature's values has been replaced by one category, from 0 towards 1.

    Args:
        per_minute: as for `shift`, its sign without meaning: of what is still as it was, two fifths go for each
            standard deviation that the numbers move.
        elapsed_seconds: since the start of the run.
    """
    return 1.0 - math.exp(-abs(per_minute) * elapsed_seconds / 60.0 / 2.0)
