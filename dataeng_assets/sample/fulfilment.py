"""What follows an order: attempts to pay it, money that goes back, and its parcel.

When an order moves on belongs in `history` and `progress`.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from random import Random
from typing import NamedTuple

from dataeng_assets.sample import world
from dataeng_assets.sample.rows import Order

METHODS = ("card", "transfer", "voucher", "on_delivery")
_SHARES = (62, 80, 92)


class Payment(NamedTuple):
    """A row of `shop.payments`."""

    payment_id: str
    created_at: datetime
    order_id: int
    method: str
    status: str
    amount: Decimal
    currency: str
    receipt: bytes | None
    updated_at: datetime


class Shipment(NamedTuple):
    """A row of `shop.shipments`."""

    shipment_id: str
    order_id: int
    carrier: str
    promised_on: date
    deliver_after: str | None
    is_signed: bool | None
    shipped_at: datetime
    delivered_at: datetime | None
    transit: str | None
    updated_at: datetime


def to_pay(order: Order) -> Decimal:
    """What an order costs after its discount."""
    return order.total_amount - (order.discount_amount or 0)


def new_payment(
    random: Random, order_id: int, status: str, amount: Decimal, currency: str, *, created: int, updated: int
) -> Payment:
    """An attempt to pay, or a refund when the amount is negative."""
    payment_id = world.uuid_text(random)
    method = METHODS[bisect_right(_SHARES, int(random.random() * 100))]
    written = receipt(payment_id) if status in {"captured", "refunded"} else None
    return Payment(
        payment_id, world.moment(created), order_id, method, status, amount, currency, written, world.moment(updated)
    )


def receipt(payment_id: str) -> bytes:
    """Digest of the receipt of a payment that went through."""
    return sha256(payment_id.encode()).digest()


def new_shipment(random: Random, order_id: int, shipped: int) -> Shipment:
    """A parcel that the carrier has just taken."""
    at, unit = world.moment(shipped), random.random
    return Shipment(
        world.uuid_text(random),
        order_id,
        world.CARRIERS[int(unit() * len(world.CARRIERS))],
        at.date() + timedelta(days=2 + int(unit() * 4)),
        world.DELIVER_AFTER[int(unit() * len(world.DELIVER_AFTER))],
        None,
        at,
        None,
        None,
        at,
    )


def transit(shipped: int, delivered: int) -> str:
    """The time between two instants in whole minutes, as Postgres prints an interval of days and hours."""
    minutes = (delivered - shipped) // world.MINUTE
    days, hours, minutes = minutes // 1_440, minutes // 60 % 24, minutes % 60
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return f"P{text}" if text else "PT0S"


def payments_of(random: Random, order: Order, course: Sequence[tuple[str, int]], end: int) -> Iterator[Payment]:
    """What was paid for an order of the past until `end`, and what went back."""
    unit, amount, ordered = random.random, to_pay(order), world.micros(order.ordered_at)
    first, decided = course[0]
    begun = [ordered + int(unit() * (decided - ordered)) for _ in range(2)]
    if unit() < 0.08 and begun[0] < end:
        yield new_payment(random, order.order_id, "failed", amount, order.currency, created=begun[0], updated=begun[0])
    if decided >= end:
        if unit() < 0.3:
            yield new_payment(
                random, order.order_id, "authorized", amount, order.currency, created=ordered, updated=ordered
            )
        return
    if first == "paid":
        yield new_payment(random, order.order_id, "captured", amount, order.currency, created=begun[1], updated=decided)
        ended, at = course[-1]
        if ended in {"cancelled", "returned"} and at < end:
            yield new_payment(random, order.order_id, "refunded", -amount, order.currency, created=at, updated=at)


def shipment_of(random: Random, order_id: int, course: Sequence[tuple[str, int]], end: int) -> Shipment | None:
    """The parcel of an order of the past as it stood at `end`; None when there was none yet."""
    steps = {step: at for step, at in course if at < end}
    if "shipped" not in steps:
        return None
    parcel = new_shipment(random, order_id, steps["shipped"])
    if "delivered" not in steps:
        return parcel
    delivered = world.moment(steps["delivered"])
    return parcel._replace(
        is_signed=random.random() < 0.8,
        delivered_at=delivered,
        transit=transit(steps["shipped"], steps["delivered"]),
        updated_at=delivered,
    )
