"""What life knows of the shop, and what it plans to do to it.

Planning belongs in `life`, doing it in `changes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from dataeng_assets.sample import history
from dataeng_assets.sample.rows import Goods

RESERVED = 10


class KnownCustomer(NamedTuple):
    """What life needs to know of a customer."""

    customer_id: int
    full_name: str
    country: str
    tier: str
    created: int


class KnownOrder(NamedTuple):
    """What life needs to know of an order that may still change.

    `payment_id` and `payment_created` are those of a payment that is authorized only; `shipment_id` and `shipped` are
    those of the parcel on its way.
    """

    order_id: int
    status: str
    ordered: int
    amount: Decimal
    currency: str
    payment_id: str | None
    payment_created: datetime | None
    shipment_id: str | None
    shipped: int | None


class KnownItem(NamedTuple):
    """What life needs to know of a line of an order that nobody has paid yet."""

    order_id: int
    line_number: int
    is_gift: bool


class KnownCategory(NamedTuple):
    """What life needs to know of a category that has none below it."""

    category_id: int
    is_visible: bool


class KnownLevel(NamedTuple):
    """What life needs to know of a level of inventory."""

    warehouse_code: str
    product_id: int
    on_hand: int


@dataclass(frozen=True)
class State:
    """The shop as it stands, each list by key; `orders` holds those that may still change."""

    customers: Sequence[KnownCustomer]
    goods: Goods
    orders: Sequence[KnownOrder]
    items: Sequence[KnownItem]
    categories: Sequence[KnownCategory]
    levels: Sequence[KnownLevel]


class Reserved(NamedTuple):
    """Rows that change in late transactions only, held by one; None where no such row is free."""

    customer: KnownCustomer | None
    order: KnownOrder | None
    category: KnownCategory | None
    level: KnownLevel | None


class JustPlaced:
    """Stands for the number of the order that the same transaction wrote last."""


class NextNumber:
    """Stands for the next number that the database gives, in place of the one that a row has."""


PLACED = JustPlaced()
NEXT = NextNumber()


@dataclass(frozen=True)
class Change:
    """One row inserted (`key` None), updated, or deleted (`values` None).

    `values` has no `updated_at`: that is the trigger's, which sets it to `clock` where there is one, else to now.
    """

    table: str
    key: tuple[Any, ...] | None
    values: Mapping[str, Any] | None
    clock: datetime | None = None


# changes that belong in one transaction, and what happens to one thing, in its order
Unit = tuple[Change, ...]
Story = Sequence[Unit]
Transaction = tuple[Change, ...]


@dataclass(frozen=True)
class Pace:
    """How much happens: the scale of the fill, and which share of a day.

    A small share looks at a part of the shop only, one of `parts`, so that a second of life costs little. Which part,
    `part`, follows from the number of the tick, and what is in it is that much likelier to change.
    """

    scale: float
    share: float = 1.0
    parts: int = 1
    part: int = 0

    @property
    def of_those_seen(self) -> float:
        """The share of a day, for what is done to each of the things that are looked at."""
        return min(1.0, self.share * self.parts)

    def count(self, random: Random, total: int) -> int:
        """How many of `total` things in the whole past fall on this share of a day; on a whole day at least one."""
        if self.share == 1.0:
            return history.count_in_a_day(total, self.scale)
        return int(total * self.scale * self.share / history.DAYS + random.random())


def inserted(table: str, row: Any, *without: str) -> Change:
    """The change that inserts a row, without the columns that the database sets."""
    left_out = {*without, "updated_at"}
    return Change(table, None, {name: value for name, value in row._asdict().items() if name not in left_out})
