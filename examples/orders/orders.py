"""Orders of a shop that does not exist: which of them come back follows a rule, with chance."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

CHANNELS = ("web", "app", "phone", None)
# how much more an order of a channel comes back
CHANNEL_WEIGHT = {"web": 0.5, "app": 1.0, "phone": -1.5, None: 0.0}


@dataclass(frozen=True)
class Order:
    """A row of shop_order, less its id."""

    ordered_at: datetime
    promised_at: datetime | None
    birthday: date | None
    amount: Decimal
    items: int
    gift: bool
    channel: str | None
    note: str | None
    returned: bool


def order(chance: random.Random, now: datetime) -> Order:
    """An order of this moment, in UTC."""
    items = chance.randint(1, 8)
    amount = Decimal(round(items * chance.lognormvariate(3.0, 0.5) * 100)).scaleb(-2)
    days = chance.choice([None, 1, 2, 5, 9])
    channel = chance.choice(CHANNELS)
    gift = chance.random() < 0.1  # noqa: PLR2004 (every tenth)
    birthday = date(1940, 1, 1) + timedelta(days=chance.randrange(25_000)) if chance.random() < 0.8 else None  # noqa: PLR2004
    weight = CHANNEL_WEIGHT[channel] + 0.4 * (days or 3) - 2.0 * gift + float(amount) / 200 - 2.5
    return Order(
        ordered_at=now,
        promised_at=(now + timedelta(days=days)).replace(tzinfo=None) if days else None,
        birthday=birthday,
        amount=amount,
        items=items,
        gift=gift,
        channel=channel,
        note=chance.choice([None, "leave it at the door", 'ring twice; "loudly"', ""]),
        returned=chance.random() < 1 / (1 + math.exp(-2 * weight)),
    )


def orders(count: int, seed: int) -> list[Order]:
    """The same orders for the same seed, a minute apart."""
    chance = random.Random(seed)  # noqa: S311 (not a secret)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [order(chance, start + timedelta(minutes=number)) for number in range(count)]
