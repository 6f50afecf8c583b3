"""Orders that are placed and move on, with the payments and parcels that belong to each step.

Which orders, how many and when belongs in `life`.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from dataeng_assets.sample import fulfilment, rows, world
from dataeng_assets.sample.state import PLACED, Change, KnownCustomer, KnownOrder, State, Story, Unit, inserted

_CHANCES = {"placed": 0.7, "paid": 0.5, "shipped": 0.4, "delivered": 0.005}
_CHANCES_WHEN_OLD = {"placed": 0.1, "paid": 0.1, "shipped": 0.3, "delivered": 0.001}
_AFTER = {"placed": "paid", "paid": "shipped", "shipped": "delivered", "delivered": "returned"}


def moving(random: Random, orders: Sequence[KnownOrder], at: int, share: float) -> list[Story]:
    """A share of the orders that would move on within a day; some by two steps, which are two versions of one row."""
    moved: list[Story] = []
    for order in orders:
        chances = _CHANCES if at - order.ordered < 14 * world.DAY else _CHANCES_WHEN_OLD
        story = list[Unit]()
        while len(story) < 2 and random.random() < share * chances.get(order.status, 0):
            unit, order = step(random, order, at)
            story.append(unit)
        moved.append(story)
    return moved


def step(random: Random, order: KnownOrder, at: int) -> tuple[Unit, KnownOrder]:
    """The next thing that happens to an order, and the order after it."""
    after = _AFTER[order.status]
    if order.status in {"placed", "paid"} and random.random() < 0.1:
        after = "cancelled"
    values: dict[str, Any] = {"status": after}
    if after == "shipped":
        values["shipped_at"] = world.moment(at)
    if random.random() < 0.05:
        values["note"] = random.choice(world.NOTES)
    followed, known = _FOLLOWS[order.status, after](random, order, at)
    return (Change("orders", (order.order_id,), values), *followed), known._replace(status=after)


def _pay(random: Random, order: KnownOrder, at: int) -> tuple[Unit, KnownOrder]:
    failed = [_payment(random, order, "failed", at)] if random.random() < 0.1 else []
    if order.payment_id is None:
        return (*failed, _payment(random, order, "captured", at)), order
    captured = {"status": "captured", "receipt": fulfilment.receipt(order.payment_id)}
    key = (order.payment_id, order.payment_created)
    return (*failed, Change("payments", key, captured)), order._replace(payment_id=None)


def _give_up(_random: Random, order: KnownOrder, _at: int) -> tuple[Unit, KnownOrder]:
    if order.payment_id is None:
        return (), order
    return (Change("payments", (order.payment_id, order.payment_created), {"status": "failed"}),), order


def _refund(random: Random, order: KnownOrder, at: int) -> tuple[Unit, KnownOrder]:
    return (_payment(random, order._replace(amount=-order.amount), "refunded", at),), order


def _ship(random: Random, order: KnownOrder, at: int) -> tuple[Unit, KnownOrder]:
    parcel = fulfilment.new_shipment(random, order.order_id, at)
    return (inserted("shipments", parcel),), order._replace(shipment_id=parcel.shipment_id, shipped=at)


def _deliver(random: Random, order: KnownOrder, at: int) -> tuple[Unit, KnownOrder]:
    if order.shipment_id is None or order.shipped is None:
        return (), order
    values = {
        "is_signed": random.random() < 0.8,
        "delivered_at": world.moment(at),
        "transit": fulfilment.transit(order.shipped, at),
    }
    return (Change("shipments", (order.shipment_id,), values),), order


_FOLLOWS = {
    ("placed", "paid"): _pay,
    ("placed", "cancelled"): _give_up,
    ("paid", "cancelled"): _refund,
    ("paid", "shipped"): _ship,
    ("shipped", "delivered"): _deliver,
    ("delivered", "returned"): _refund,
}


def _payment(random: Random, order: KnownOrder, status: str, at: int) -> Change:
    payment = fulfilment.new_payment(
        random, order.order_id, status, order.amount, order.currency, created=at, updated=at
    )
    return inserted("payments", payment)


def placed(random: Random, state: State, customers: Sequence[KnownCustomer], instants: Sequence[int]) -> list[Story]:
    """Orders that are placed, each with its lines; some of them with a payment that is authorized only."""
    homes = {place.country: place for place in world.PLACES}
    stories: list[Story] = []
    for ordered in instants:
        customer = customers[int(random.random() ** 1.5 * len(customers))]
        home = homes[customer.country]
        shipping = rows.address(random, home, customer.full_name)
        offered = len(state.goods.products)
        order, items = rows.new_order(
            random, 0, customer.customer_id, home.currency, shipping, state.goods, offered, ordered
        )
        unit = [inserted("orders", order, "order_id")]
        unit += [_following("order_items", item, "line_amount") for item in items]
        if random.random() < 0.2:
            payment = fulfilment.new_payment(
                random, 0, "authorized", fulfilment.to_pay(order), home.currency, created=ordered, updated=ordered
            )
            unit.append(_following("payments", payment))
        stories.append((tuple(unit),))
    return stories


def _following(table: str, row: Any, *without: str) -> Change:
    change = inserted(table, row, *without)
    return Change(table, None, {**(change.values or {}), "order_id": PLACED})
