"""`python -m examples.orders.generate`: write orders to the source database, as an application would."""

import random
import time
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from examples.databases import connect
from examples.orders.orders import Order, order

TABLE = Path(__file__).with_name("table.sql")


def main(
    rows: Annotated[int, typer.Option(min=0, help="How many orders; 0 only makes the table.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Orders a second; 0 is as fast as possible.")] = 0.0,
) -> None:
    """Make the table if it is missing, and write orders of now."""
    columns = [field.name for field in fields(Order)]
    insert = f"insert into shop_order ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"  # noqa: S608
    chance = random.Random()  # noqa: S311 (not a secret)
    with connect("source") as source:
        source.execute(TABLE.read_text())
        for _ in range(rows):
            source.execute(insert, astuple(order(chance, datetime.now(UTC))))
            if rate:
                time.sleep(1 / rate)
    print(f"shop_order: {rows} rows written")


if __name__ == "__main__":
    typer.run(main)
