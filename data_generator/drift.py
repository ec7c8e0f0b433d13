"""Drift: the features move away from what a model was trained on, steadily, so that monitoring has something to see."""


def shift(per_minute: float, standard_deviation: float, elapsed_seconds: float) -> float:
    """How far a feature's mean has moved, in the feature's own unit.

    Args:
        per_minute: standard deviations a minute; negative moves down, 0 not at all.
        standard_deviation: of the feature in the undrifted data, in its own unit.
        elapsed_seconds: since the start of the run.
    """
    return per_minute * standard_deviation * elapsed_seconds / 60.0
