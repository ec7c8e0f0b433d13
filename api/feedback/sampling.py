from collections import Counter
from collections.abc import Iterable

from api.feedback.production import ProductionImage


def to_label(images: Iterable[ProductionImage], count: int) -> list[ProductionImage]:
    """Up to `count` images without a label, the least sure first, of each predicted class as many as there are.

    They are drawn class by class: next comes the least sure image of a class that has the fewest so far.
    """
    unlabelled = sorted((one for one in images if one.label is None), key=_unsure)
    drawn: Counter[int] = Counter()
    ranked = []
    for one in unlabelled:
        ranked.append((drawn[one.predicted_class], one))
        drawn[one.predicted_class] += 1
    ranked.sort(key=lambda turn: (turn[0], _unsure(turn[1])))
    return sorted((one for _, one in ranked[:count]), key=_unsure)


def _unsure(one: ProductionImage) -> tuple[float, str]:
    return one.confidence, one.prediction_id
