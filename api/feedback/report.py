"""An evaluation in lines for people."""

from collections.abc import Iterator

from api.feedback.evaluation import Evaluation, Share, held_out_error
from api.model.description import Metrics
from api.training.digits import CLASSES


def lines(one: Evaluation, test: Metrics | None) -> Iterator[str]:
    """One version's answers, and how it fared on its test set, if that is known here."""
    yield f"model {one.model_version}: {one.images} images, {one.labelled} with a label, {one.correct} of them right"
    if one.accuracy is None:
        return
    yield f"  {'':<34} production             test set"
    tested = test is not None and test.accuracy is not None
    accuracy = f"{test.accuracy:.3f} of {test.held_out_rows}" if test and tested else "-"
    yield f"  {'accuracy of labelled images':<34} {_share(one.accuracy):<22} {accuracy}"
    weighted = _share(one.weighted) if one.weighted else "a band has no label"
    yield f"  {'accuracy of all, by confidence':<34} {weighted:<22} -"
    error = held_out_error(test.calibration) if test else None
    yield f"  {'calibration error':<34} {_number(one.calibration_error):<22} {_number(error)}"
    yield "  confidence       images  labelled  mean confidence  right"
    for band in one.bands:
        if band.images:
            yield (
                f"  {band.low:.2f} to {band.high:.2f} {band.images:>9} {band.labelled:>9}"
                f" {_number(band.confidence):>16} {_number(band.accuracy):>6}"
            )
    if test:
        yield "  test set, by confidence"
        for bin_ in test.calibration:
            yield f"  {bin_.rows:>22} {'':>9} {bin_.predicted:>16.3f} {bin_.observed:>6.3f}"
    yield "  truth \\ answer " + " ".join(f"{answer:>5}" for answer in CLASSES)
    for truth, answers in zip(CLASSES, one.confusion, strict=True):
        if any(answers):
            yield f"  {truth:>14} " + " ".join(f"{count or '.':>5}" for count in answers)


def _share(share: Share) -> str:
    return f"{share.value:.3f} ({share.low:.3f} to {share.high:.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
