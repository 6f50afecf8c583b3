"""One day of the shop's life after the fill, as a pure function of seed, number of the day, instant and state.

What is planned here is done by `day`. An order moves on, a new one is placed, a customer moves house or changes tier;
what happens to the goods belongs in `assortment`. Rows whose number is a multiple of `RESERVED`, and those that belong
to them, change in late transactions only, so that those never wait for the others, nor the others for them.
"""

from collections.abc import Sequence
from random import Random

from dataeng_assets.sample import assortment, history, progress, rows, world
from dataeng_assets.sample.state import (
    RESERVED,
    Change,
    KnownCustomer,
    Pace,
    Reserved,
    State,
    Story,
    Transaction,
    Unit,
    inserted,
)

_PER_TRANSACTION = 12


def plan_day(
    random: Random, state: State, *, pace: Pace, since: int, at: int, movers: Sequence[int] = ()
) -> list[Transaction]:
    """Plan the transactions of one day, in the order in which they commit.

    Args:
        random: the only source of chance.
        state: the shop before the day.
        pace: the scale of the fill, and which share of a day it is.
        since: from when on orders are placed and customers sign up.
        at: the instant at which all of it happens.
        movers: customers who are about to change in a late transaction; each of them places an order at `at`.
    """
    moving = [customer for customer in state.customers if customer.customer_id in movers]
    stories = [
        *progress.moving(
            random, [order for order in state.orders if order.order_id % RESERVED], at, pace.of_those_seen
        ),
        *progress.placed(random, state, state.customers, _instants(random, history.ORDERS, pace, since, at)),
        *(story for mover in moving for story in progress.placed(random, state, [mover], [at])),
        *_signed_up(random, _instants(random, history.CUSTOMERS, pace, since, at)),
        *_changed(random, [customer for customer in state.customers if customer.customer_id % RESERVED], pace),
        *assortment.changed(random, state, pace, at),
    ]
    units = _shuffled(random, stories)
    transactions = []
    while units:
        size = random.choice((1, 1, 3, _PER_TRANSACTION, 2 * _PER_TRANSACTION))
        transactions.append(tuple(change for unit in units[:size] for change in unit))
        units = units[size:]
    return transactions


def plan_late(random: Random, state: State, held: Reserved, *, at: int) -> Transaction:
    """Plan a transaction that stays open while others commit.

    It begins with a new order, so that a key is taken before others and appears after them; then a customer moves, an
    order moves on, a category is renamed and a level is written, reserved ones all of them, as far as they are free.
    """
    (((placed, *lines),),) = progress.placed(random, state, state.customers, [at])
    moved = [_moves(random, held.customer)] if held.customer else []
    steps = progress.step(random, held.order, at)[0] if held.order else ()
    renamed = [assortment.renamed(random, held.category)] if held.category else []
    written = [assortment.written(random, held.level, at)] if held.level else []
    return (placed, *lines, *moved, *steps, *renamed, *written)


def _instants(random: Random, total: int, pace: Pace, since: int, at: int) -> list[int]:
    return world.instants(random, pace.count(random, total), since, at)


def _shuffled(random: Random, stories: Sequence[Story]) -> list[Unit]:
    """Units in a random order, those of one story in their own."""
    placed: list[tuple[float, Unit]] = []
    for story in stories:
        placed += zip(sorted(random.random() for _ in story), story, strict=True)
    return [unit for _, unit in sorted(placed, key=lambda entry: entry[0])]


def _signed_up(random: Random, instants: Sequence[int]) -> list[Story]:
    customers = [rows.new_customer(random, 0, created)[0] for created in instants]
    return [((inserted("customers", customer, "customer_id"),),) for customer in customers]


def _changed(random: Random, customers: Sequence[KnownCustomer], pace: Pace) -> list[Story]:
    """Customers who move house or change tier; every fifth of them does both, one after the other."""
    changed: list[Story] = []
    for customer in random.sample(customers, min(len(customers), pace.count(random, history.CUSTOMERS))):
        both: list[Unit] = [(_moves(random, customer),), (_other_tier(random, customer),)]
        random.shuffle(both)
        changed.append(both if random.random() < 0.2 else both[:1])
    return changed


def _moves(random: Random, customer: KnownCustomer) -> Change:
    place = random.choice(world.PLACES)
    return Change("customers", (customer.customer_id,), {"country": place.country, "city": place.city})


def _other_tier(random: Random, customer: KnownCustomer) -> Change:
    tiers = [tier for tier in ("basic", "silver", "gold") if tier != customer.tier]
    return Change("customers", (customer.customer_id,), {"tier": random.choice(tiers)})
