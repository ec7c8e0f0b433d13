"""The same comparison as an HTML report, by Evidently: its packages are in requirements/evidently.txt."""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from api.monitoring.comparison import Compared
from api.monitoring.drift import SIGNIFICANT_PSI


def write_report(found: Sequence[Compared], path: Path) -> None:
    """Write a report of one window and model version; each value is told by its bin, as training's are known by theirs.

    Raises:
        OSError: the file cannot be written.
    """
    definition = DataDefinition(categorical_columns=[one.name for one in found])
    # in the order of the bins; labels are rounded, and two may read the same
    now = _table((one.name, ((f"{at:02} {b.label}", b.rows) for at, b in enumerate(one.bins))) for one in found)
    training = _table(
        (one.name, ((f"{at:02} {b.label}", b.reference_rows) for at, b in enumerate(one.bins))) for one in found
    )
    report = Report([DataDriftPreset(cat_method="psi", cat_threshold=SIGNIFICANT_PSI)])
    outcome = report.run(*(Dataset.from_pandas(table, data_definition=definition) for table in (now, training)))
    outcome.save_html(str(path))


def _table(columns: Iterable[tuple[str, Iterable[tuple[str, int]]]]) -> pd.DataFrame:
    """Each column's labels as often as they came; those of fewer rows end in nothing."""
    return pd.DataFrame(
        {name: pd.Series(list(chain.from_iterable(repeat(*b) for b in bins)), dtype=object) for name, bins in columns}
    )
