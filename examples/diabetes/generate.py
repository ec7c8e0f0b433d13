"""`python -m examples.diabetes.generate`: write patients to the source database, as an application would."""

import itertools
import time
from pathlib import Path
from typing import Annotated

import typer

from examples.databases import connect
from examples.diabetes.data import FEATURES, TARGET, patients

TABLE = Path(__file__).with_name("table.sql")


def main(
    rows: Annotated[int, typer.Option(min=0, help="How many patients; 0 only makes the table.")] = 442,
    rate: Annotated[float, typer.Option(min=0, help="Patients a second; 0 is as fast as possible.")] = 0.0,
) -> None:
    """Make the table if it is missing, and write the data set's patients one after the other, then from the start."""
    columns = [*FEATURES, TARGET]
    insert = f"insert into diabetes_patient ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"  # noqa: S608
    features, progression = patients()
    with connect("source") as source:
        source.execute(TABLE.read_text())
        for number in itertools.islice(itertools.cycle(range(len(progression))), rows):
            source.execute(insert, [*features[number].tolist(), float(progression[number])])
            if rate:
                time.sleep(1 / rate)
    print(f"diabetes_patient: {rows} rows written")


if __name__ == "__main__":
    typer.run(main)
