"""The shop's past, as a pure function of seed, span and scale.

The tables hold only the latest state of each row, so that is what is simulated; the events are in `events`.
What happens after the past was filled in belongs in `life`.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from dataeng_assets.sample import catalogue, fulfilment, rows, world
from dataeng_assets.sample.events import Event, Known, Purchase, Stream, draw_events

CUSTOMERS, PRODUCTS, ORDERS, EVENTS, DAYS = 5_000, 500, 60_000, 250_000, 90


@dataclass(frozen=True)
class Shop:
    """Everything the past left behind: rows in the order of their keys, events in the order they are sent."""

    since: datetime
    until: datetime
    customers: list[rows.Customer]
    product_categories: list[catalogue.Category]
    products: list[catalogue.Product]
    orders: list[rows.Order]
    order_items: list[rows.OrderItem]
    payments: list[fulfilment.Payment]
    shipments: list[fulfilment.Shipment]
    inventory_levels: list[catalogue.InventoryLevel]
    events: list[Event]


def simulate(seed: int, *, days: int, scale: float, until: datetime) -> Shop:
    """Draw the shop's past.

    Args:
        seed: the same seed, span and scale give the same shop, byte by byte.
        days: length of the past.
        scale: 1 is about 5,000 customers, 500 products, 60,000 orders and 250,000 events, whatever `days` is.
        until: the end of the past, aware; nothing in it is later, save event times of clocks that run ahead.

    Returns:
        The shop at `until`.
    """
    start, end = world.micros(until - timedelta(days=days)), world.micros(until)
    customers, homes = _customers(world.stream(seed, "customers"), max(20, round(CUSTOMERS * scale)), start, end)
    products = _products(world.stream(seed, "products"), max(10, round(PRODUCTS * scale)), start, end)
    sold = _Sold([], [], [], [])
    _sell(world.stream(seed, "orders"), sold, round(ORDERS * scale), customers, homes, products, start, end)
    levels = _levels(world.stream(seed, "inventory"), products, start, end)
    stream = Stream(
        known=Known(tuple(customer.customer_id for customer in customers), _created(customers), len(products)),
        purchases=tuple(
            Purchase(world.micros(order.ordered_at), order.customer_id, order.order_id, order.total_amount)
            for order in sold.orders
            if order.order_id % 2
        ),
        earliest=start,
        since=start,
        until=end,
        reached={},
    )
    events = draw_events(world.stream(seed, "events"), stream, count=round(EVENTS * scale))
    return Shop(
        since=until - timedelta(days=days),
        until=until,
        customers=customers,
        product_categories=list(catalogue.CATEGORIES),
        products=products,
        orders=sold.orders,
        order_items=sold.items,
        payments=sold.payments,
        shipments=sold.shipments,
        inventory_levels=levels,
        events=events,
    )


def _created(customers: list[rows.Customer]) -> tuple[int, ...]:
    return tuple(world.micros(customer.created_at) for customer in customers)


@dataclass(frozen=True)
class _Home:
    """Where a customer's orders go, before and after they moved."""

    currency: str
    before: str
    after: str
    moved: int


def _customers(random: Random, count: int, start: int, end: int) -> tuple[list[rows.Customer], list[_Home]]:
    moved_in = start + min(world.HOUR, (end - start) // 10)
    first = count // 3
    created = sorted(start + int(random.random() * (moved_in - start)) for _ in range(first))
    created += world.instants(random, count - first, moved_in, end)
    customers, homes = [], []
    for customer_id, at in enumerate(created, start=1):
        customer, place = rows.new_customer(random, customer_id, at)
        home = rows.address(random, place, customer.full_name)
        change = at + int(random.random() * (end - at))
        kind = random.random()
        if kind < 0.15:
            place_after = random.choice(world.PLACES)
            after = rows.address(random, place_after, customer.full_name)
            customer = customer._replace(
                country=place_after.country, city=place_after.city, updated_at=world.moment(change)
            )
            homes.append(_Home(place.currency, home, after, change))
        else:
            if kind < 0.25:
                tier = random.choice(("basic", "silver", "gold"))
                customer = customer._replace(tier=tier, updated_at=world.moment(change))
            homes.append(_Home(place.currency, home, home, at))
        customers.append(customer)
    return customers, homes


def _products(random: Random, count: int, start: int, end: int) -> list[catalogue.Product]:
    opened = start + min(world.HOUR, (end - start) // 10)
    early = max(5, count * 4 // 5)
    created = [start + (opened - start) * place // early for place in range(early)]
    created += world.instants(random, count - early, opened, end)
    products = []
    for product_id, at in enumerate(created, start=1):
        product = catalogue.new_product(random, product_id, at)
        if random.random() < 0.4:
            changed = world.moment(at + int(random.random() * (end - at)))
            product = product._replace(price=catalogue.new_price(random), updated_at=changed)
        products.append(product)
    return products


@dataclass(frozen=True)
class _Sold:
    """Orders and what followed them."""

    orders: list[rows.Order]
    items: list[rows.OrderItem]
    payments: list[fulfilment.Payment]
    shipments: list[fulfilment.Shipment]


def _sell(
    random: Random,
    sold: _Sold,
    count: int,
    customers: list[rows.Customer],
    homes: list[_Home],
    products: list[catalogue.Product],
    start: int,
    end: int,
) -> None:
    opened = start + min(world.HOUR, (end - start) // 10)
    signed_up = _created(customers)
    listed = [world.micros(product.created_at) for product in products]
    goods = rows.Goods([product.product_id for product in products], [product.price for product in products])
    for order_id, at in enumerate(world.instants(random, count, opened, end), start=1):
        index = int(random.random() ** 1.5 * bisect_left(signed_up, at))
        home = homes[index]
        shipping = home.before if at < home.moved else home.after
        offered = bisect_left(listed, at)
        order, items = rows.new_order(random, order_id, index + 1, home.currency, shipping, goods, offered, at)
        course = _course(random, at)
        sold.orders.append(_lived(order, course, end))
        sold.items.extend(items)
        sold.payments.extend(fulfilment.payments_of(random, order, course, end))
        parcel = fulfilment.shipment_of(random, order_id, course, end)
        if parcel:
            sold.shipments.append(parcel)


def _levels(random: Random, products: list[catalogue.Product], start: int, end: int) -> list[catalogue.InventoryLevel]:
    """Most levels are as they were counted when the product was listed, the others were written at any time since."""
    opened = start + min(world.HOUR, (end - start) // 10)
    levels = []
    for warehouse in catalogue.WAREHOUSES:
        for product in products:
            counted = max(world.micros(product.created_at), start + int(random.random() * (opened - start)))
            if random.random() < 0.3:
                counted += int(random.random() * (end - counted))
            levels.append(catalogue.new_level(random, warehouse, product, counted))
    return levels


def _lived(order: rows.Order, course: list[tuple[str, int]], end: int) -> rows.Order:
    """The order as it stands at `end`: how far it came, and when it last changed."""
    status, changed, shipped = "placed", world.micros(order.ordered_at), None
    for step, at in course:
        if at >= end:
            break
        status, changed = step, at
        shipped = at if step == "shipped" else shipped
    shipped_at = None if shipped is None else world.moment(shipped)
    return order._replace(status=status, shipped_at=shipped_at, updated_at=world.moment(changed))


def _course(random: Random, ordered: int) -> list[tuple[str, int]]:
    """What becomes of an order and when: most are delivered within a week, some wait for weeks, a fifth ends badly."""
    unit = random.random
    fate = unit()
    paid = ordered + world.MINUTE + int(unit() ** 4 * 2 * world.DAY)
    if fate < 0.05:
        return [("cancelled", paid)]
    if fate < 0.12:
        return [("paid", paid), ("cancelled", paid + int(unit() * 2 * world.DAY))]
    wait = 30 * world.DAY if unit() < 0.04 else 4 * world.DAY
    shipped = paid + world.HOUR + int(unit() * wait)
    delivered = shipped + world.HOUR + int(unit() * 4 * world.DAY)
    course = [("paid", paid), ("shipped", shipped), ("delivered", delivered)]
    if fate < 0.21:
        course.append(("returned", delivered + int((1 + unit() * 13) * world.DAY)))
    return course


def count_in_a_day(total: int, scale: float) -> int:
    """How many of `total` things in the whole past fall on one day, at least one."""
    return max(1, round(total * scale / DAYS))
