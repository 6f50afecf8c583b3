"""One day of the shop's life after the fill, as a pure function of seed, number of the day, instant and state.

What is planned here is done by `tick`. An order moves on, a new one is placed, a customer moves house or changes tier,
a price changes. Rows whose key is a multiple of `RESERVED` change in late transactions only, so that those never wait
for the others, nor the others for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from dataeng_assets.sample import history, rows, world

RESERVED = 10
_PER_TRANSACTION = 12


class KnownCustomer(NamedTuple):
    """What life needs to know of a customer."""

    customer_id: int
    full_name: str
    country: str
    tier: str
    created: int


class KnownOrder(NamedTuple):
    """What life needs to know of an order that may still change."""

    order_id: int
    status: str
    ordered: int


@dataclass(frozen=True)
class State:
    """The shop as it stands, each list by key; `orders` holds those that may still change."""

    customers: Sequence[KnownCustomer]
    prices: Mapping[int, Decimal]
    orders: Sequence[KnownOrder]


@dataclass(frozen=True)
class Change:
    """One row inserted (`key` None) or updated. `values` has no `updated_at`: that is the trigger's."""

    table: str
    key: int | None
    values: Mapping[str, Any]


Transaction = tuple[Change, ...]


def plan_day(
    random: Random, state: State, *, scale: float, since: int, at: int, movers: Sequence[int] = ()
) -> list[Transaction]:
    """Plan the transactions of one day, in the order in which they commit.

    Args:
        random: the only source of chance.
        state: the shop before the day.
        scale: as in the fill.
        since: from when on orders are placed and customers sign up.
        at: the instant at which all of it happens.
        movers: customers who are about to change in a late transaction; each of them places an order at `at`.
    """
    rows_of_the_day = [
        *_progress(random, [order for order in state.orders if order.order_id % RESERVED], at),
        *_placed(random, state, world.instants(random, history.count_in_a_day(history.ORDERS, scale), since, at)),
        *(placed for mover in movers for placed in _placed(random, _only(state, mover), [at])),
        *_signed_up(random, world.instants(random, history.count_in_a_day(history.CUSTOMERS, scale), since, at)),
        *_changed(random, [customer for customer in state.customers if customer.customer_id % RESERVED], scale),
        *_repriced(random, state.prices, scale),
    ]
    changes = _shuffled(random, rows_of_the_day)
    transactions = []
    while changes:
        size = random.choice((1, 1, 3, _PER_TRANSACTION, 2 * _PER_TRANSACTION))
        transactions.append(tuple(changes[:size]))
        changes = changes[size:]
    return transactions


def plan_late(
    random: Random, state: State, mover: KnownCustomer | None, order: KnownOrder | None, *, at: int
) -> Transaction:
    """Plan a transaction that stays open while others commit.

    It begins with a new order, so that a key is taken before others and appears after them; then a customer moves and
    an order moves on, reserved ones both, if there are any.
    """
    (placed,) = _placed(random, state, [at])
    moved = [_moves(random, mover)] if mover else []
    progress = [_step(random, order.order_id, order.status, at)] if order else []
    return (*placed, *moved, *progress)


def _shuffled(random: Random, of_rows: Sequence[Transaction]) -> list[Change]:
    """Changes in a random order, those of one row in their own."""
    placed: list[tuple[float, Change]] = []
    for changes in of_rows:
        placed += zip(sorted(random.random() for _ in changes), changes, strict=True)
    return [change for _, change in sorted(placed, key=lambda entry: entry[0])]


_CHANCES = {"placed": 0.7, "paid": 0.5, "shipped": 0.4, "delivered": 0.005}
_CHANCES_WHEN_OLD = {"placed": 0.1, "paid": 0.1, "shipped": 0.3, "delivered": 0.001}


def _progress(random: Random, orders: Sequence[KnownOrder], at: int) -> list[Transaction]:
    """Orders that move on; some of them two steps, which are two versions of one row."""
    moved = []
    for order in orders:
        chances = _CHANCES if at - order.ordered < 14 * world.DAY else _CHANCES_WHEN_OLD
        status, changes = order.status, list[Change]()
        while len(changes) < 2 and random.random() < chances.get(status, 0):
            changes.append(_step(random, order.order_id, status, at))
            status = changes[-1].values["status"]
        moved.append(tuple(changes))
    return moved


def _step(random: Random, order_id: int, status: str, at: int) -> Change:
    after = {"placed": "paid", "paid": "shipped", "shipped": "delivered", "delivered": "returned"}[status]
    if status in {"placed", "paid"} and random.random() < 0.1:
        after = "cancelled"
    values: dict[str, Any] = {"status": after}
    if after == "shipped":
        values["shipped_at"] = world.moment(at)
    if random.random() < 0.05:
        values["note"] = random.choice(world.NOTES)
    return Change("orders", order_id, values)


def _only(state: State, customer_id: int) -> State:
    return replace(state, customers=[customer for customer in state.customers if customer.customer_id == customer_id])


def _placed(random: Random, state: State, instants: Sequence[int]) -> list[Transaction]:
    prices = list(state.prices.values())
    homes = {place.country: place for place in world.PLACES}
    placed: list[Transaction] = []
    for ordered in instants:
        customer = state.customers[int(random.random() ** 1.5 * len(state.customers))]
        home = homes[customer.country]
        shipping = rows.address(random, home, customer.full_name)
        order = rows.new_order(random, 0, customer.customer_id, home.currency, shipping, prices, ordered)
        placed.append((Change("orders", None, _values(order, "order_id")),))
    return placed


def _signed_up(random: Random, instants: Sequence[int]) -> list[Transaction]:
    customers = [rows.new_customer(random, 0, created)[0] for created in instants]
    return [(Change("customers", None, _values(customer, "customer_id")),) for customer in customers]


def _values(row: rows.Customer | rows.Order, key: str) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name not in {key, "updated_at"}}


def _changed(random: Random, customers: Sequence[KnownCustomer], scale: float) -> list[Transaction]:
    """Customers who move house or change tier; every fifth of them does both, one after the other."""
    changed: list[Transaction] = []
    for customer in random.sample(customers, min(len(customers), history.count_in_a_day(history.CUSTOMERS, scale))):
        both = [_moves(random, customer), _other_tier(random, customer)]
        random.shuffle(both)
        changed.append(tuple(both if random.random() < 0.2 else both[:1]))
    return changed


def _moves(random: Random, customer: KnownCustomer) -> Change:
    place = random.choice(world.PLACES)
    return Change("customers", customer.customer_id, {"country": place.country, "city": place.city})


def _other_tier(random: Random, customer: KnownCustomer) -> Change:
    tiers = [tier for tier in ("basic", "silver", "gold") if tier != customer.tier]
    return Change("customers", customer.customer_id, {"tier": random.choice(tiers)})


def _repriced(random: Random, prices: Mapping[int, Decimal], scale: float) -> list[Transaction]:
    count = min(len(prices), history.count_in_a_day(10 * history.PRODUCTS, scale))
    return [
        (Change("products", product, {"price": rows.new_price(random)}),)
        for product in random.sample(sorted(prices), count)
    ]
