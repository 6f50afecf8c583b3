"""The records of the topic `user_events`: good, late, doubled, malformed, ahead of time, with a field nobody knows.

A pure function of its random stream. What is late is decided here by the rule that the platform promises: per
partition in the order of sending, against the running maximum of event time, in which times further ahead of the
record's own timestamp than `MAX_AHEAD` don't count. Sending belongs in `topic`.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import NamedTuple

from kafka.partitioner.default import murmur2

from dataeng_assets.sample import world

PARTITIONS = 12
LATENESS = 10 * world.MINUTE
MAX_AHEAD = 5 * world.MINUTE
JITTER = 2 * world.MINUTE

SHARES = {"malformed": 0.002, "late": 0.01, "duplicate": 0.005, "edge": 0.000_1, "future": 0.000_05,
          "unknown_field": 0.000_2, "ahead": 0.000_2, "spread": 0.000_2}  # fmt: skip


class Event(NamedTuple):
    """One record as it is sent, and what is known about it.

    `category` is what the simulator meant: good, late, malformed, duplicate, unknown_field, future. `routing` is where
    the record belongs by rule: main, late, dead_letter. Times are microseconds since 1970, the record's own timestamp
    is milliseconds. `properties` is the text that was sent. What a malformed record says is not event data: its
    `event_id` to `properties` are None, and `detail` says what is wrong with it. For an unknown field `detail` holds
    the field as JSON.
    """

    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    event_id: str | None
    event_type: str | None
    user_id: int | None
    event_time: int | None
    properties: str | None
    category: str
    routing: str
    detail: str | None


class Purchase(NamedTuple):
    """An order that was placed on the web site."""

    at: int
    customer_id: int
    order_id: int
    amount: Decimal


@dataclass(frozen=True)
class Known:
    """Whom and what the web site knows: customers in the order of signing up, and how many products there are."""

    customers: Sequence[int]
    signed_up: Sequence[int]
    products: int


@dataclass(frozen=True)
class Stream:
    """The span to draw events for, `[since, until)`, and where the topic stands.

    `reached` is the running maximum of event time per partition; `earliest` the start of all events.
    """

    known: Known
    purchases: Sequence[Purchase]
    earliest: int
    since: int
    until: int
    reached: Mapping[int, int]


def partition_of(key: bytes) -> int:
    """The partition that every Kafka client chooses for a key."""
    return int(murmur2(key) & 0x7FFFFFFF) % PARTITIONS


def draw_events(random: Random, stream: Stream, *, count: int, least: int = 3, turn: int = 0) -> list[Event]:
    """Draw the records of a span in the order of sending.

    Args:
        random: the only source of chance.
        stream: the span, and where the topic stands.
        count: records, without those that are sent a second time.
        least: how many of each odd kind there are at least; with 0 their shares are chances.
        turn: with which kind of malformed record to begin, so that small spans differ.
    """
    free = max(0, count - len(stream.purchases))
    slots: list[tuple[int, Purchase | None]] = [
        (at, None) for at in world.instants(random, free, stream.since, stream.until)
    ]
    slots += [(purchase.at, purchase) for purchase in stream.purchases]
    slots.sort(key=lambda slot: slot[0])
    roles = _roles(random, len(slots), least)
    draw = _Draw(random, stream, turn)
    for index, (at, purchase) in enumerate(slots):
        draw.send(at, purchase, roles.get(index, "good"))
    draw.resend(at=None)
    return draw.sent


def moved(reached: Mapping[int, int], sent: Sequence[Event]) -> dict[int, int]:
    """The running maximum of event time per partition after more records were sent."""
    after = dict(reached)
    for event in sent:
        if event.event_time is not None and event.event_time - event.timestamp_ms * 1000 <= MAX_AHEAD:
            after[event.partition] = max(after.get(event.partition, event.event_time), event.event_time)
    return after


def _roles(random: Random, count: int, least: int) -> dict[int, str]:
    """Which records are odd, and how; where there need not be any, a share of a record is a chance of one."""
    rounded = {role: count * share + (0.5 if least else random.random()) for role, share in SHARES.items()}
    wanted = [role for role, number in rounded.items() for _ in range(max(least, int(number)))]
    places = random.sample(range(count), min(count, len(wanted)))
    return dict(zip(places, wanted, strict=False))


class _Draw:
    """Draws record after record and keeps the running maxima."""

    def __init__(self, random: Random, stream: Stream, turn: int) -> None:
        self.sent: list[Event] = []
        self._random = random
        self._stream = stream
        self._reached = dict(stream.reached)
        self._turn = turn
        self._again: list[tuple[int, Event]] = []
        self._partitions: dict[int, int] = {}

    def send(self, at: int, purchase: Purchase | None, role: str) -> None:
        """Send the record of one slot, after those whose second sending is due."""
        if self._again:
            self.resend(at)
        user = purchase.customer_id if purchase else self._user(at)
        if role == "malformed" and user is None:
            user = self._stream.known.customers[0]
        key = None if user is None else b"%d" % user
        partition = int(self._random.random() * PARTITIONS) if user is None else self._partition(user)
        event_type, properties = self._what(purchase)
        event_time = self._when(at, partition, role)
        event_id = world.uuid_text(self._random)
        if role == "malformed":
            self._malformed(partition, key, (event_id, user, event_type, event_time, properties))
            return
        unknown = self._random.choice(_UNKNOWN) if role == "unknown_field" else None
        value = _text(event_id, user, event_type, event_time, properties, unknown)
        if role == "spread":
            value, properties = _over_lines(value), _over_lines(properties)
        timestamp_ms = (at if role == "future" else min(event_time, self._stream.until)) // 1000
        late = self._route(partition, event_time, timestamp_ms)
        category = role if role in {"unknown_field", "future"} else "late" if role == "late" and late else "good"
        routing = "late" if late else "main"
        event = Event(
            partition, key, value.encode(), timestamp_ms, event_id, event_type, user, event_time, properties, category,
            routing, unknown,
        )  # fmt: skip
        self.sent.append(event)
        if role == "duplicate":
            delay = 0 if self._random.random() < 0.5 else int(self._random.random() * 5 * world.MINUTE)
            self._again.append((at + delay, event))

    def resend(self, at: int | None) -> None:
        """Send again what is due at an instant, or everything that is left."""
        due = [entry for entry in self._again if at is None or entry[0] <= at]
        if due:
            self._again = [entry for entry in self._again if entry not in due]
        for _, event in due:
            late = self._route(event.partition, event.event_time or 0, event.timestamp_ms)
            self.sent.append(event._replace(category="duplicate", routing="late" if late else "main"))

    def _route(self, partition: int, event_time: int, timestamp_ms: int) -> bool:
        """Whether the record is late; moves the running maximum."""
        reached = self._reached.get(partition, event_time)
        if event_time - timestamp_ms * 1000 <= MAX_AHEAD:
            self._reached[partition] = max(reached, event_time)
        return event_time < reached - LATENESS

    def _partition(self, user: int) -> int:
        if user not in self._partitions:
            self._partitions[user] = partition_of(b"%d" % user)
        return self._partitions[user]

    def _user(self, at: int) -> int | None:
        known, unit = self._stream.known, self._random.random
        signed_up = bisect_left(known.signed_up, at)
        return None if not signed_up or unit() < 0.3 else known.customers[int(unit() ** 1.3 * signed_up)]

    def _what(self, purchase: Purchase | None) -> tuple[str, str]:
        if purchase:
            return "purchase", f'{{"order_id":{purchase.order_id},"amount":{purchase.amount}}}'
        unit = self._random.random
        kind, product = unit(), 1 + int(unit() * self._stream.known.products)
        if kind < 0.6:
            return "page_view", _PAGES[int(unit() * len(_PAGES))] % product
        if kind < 0.88:
            return "click", f'{{"element":"buy \\"now\\"","position":{{"x":{int(kind * 1e4) / 8},"y":{product}}}}}'
        return "add_to_cart", f'{{"product_id":{product},"quantity":{1 + int(unit() * 3)},"gift":false}}'

    def _when(self, at: int, partition: int, role: str) -> int:
        unit, earliest, reached = self._random.random, self._stream.earliest, self._reached.get(partition, at)
        if role == "future":
            return self._stream.until + int((1 + unit() * 3_000) * world.DAY)
        if role == "ahead":
            return at + int(unit() * (MAX_AHEAD - world.MINUTE))
        if role == "malformed":
            return min(at, reached)
        bound = reached - LATENESS
        if role == "edge" and bound >= earliest:
            return bound
        if role == "late" and bound > earliest:
            behind = 1 if unit() < 0.1 else 1 + int(unit() ** 2 * 2 * world.DAY)
            return max(earliest, bound - behind)
        return max(earliest, at - int(unit() ** 3 * JITTER))

    def _malformed(self, partition: int, key: bytes | None, fields: "_Fields") -> None:
        kind, spoil = _SPOILT[self._turn % len(_SPOILT)]
        self._turn += 1
        nothing = (None,) * 5
        timestamp_ms = fields[3] // 1000
        self.sent.append(Event(partition, key, spoil(fields), timestamp_ms, *nothing, "malformed", "dead_letter", kind))


_Fields = tuple[str, int | None, str, int, str]

_PAGES = (
    '{"page":"/products/%d"}',
    '{"page":"/products/%d","referrer":"https://example.org/?q=käse","seconds":12.50}',
    '{"page":"/search","query":"\\u00fcber \\"tea\\"","results":[%d,null,true]}',
    '{"page":"/産品/%d","user":{"agent":"Mozilla\\\\5.0","window":{"w":1280,"h":720}}}',
)
_UNKNOWN = ('"app_version":"3.1.4"', '"context":{"experiment":["b",2],"ratio":0.50}', '"Event_ID":"x"')


def _text(
    event_id: str, user: int | None, event_type: str, event_time: int, properties: str, unknown: str | None
) -> str:
    user_text = "null" if user is None else user
    more = f",{unknown}" if unknown else ""
    return (
        f'{{"event_id":"{event_id}","user_id":{user_text},"event_type":"{event_type}",'
        f'"timestamp":"{world.iso(event_time)}","properties":{properties}{more}}}'
    )


def _over_lines(text: str) -> str:
    return text.replace(',"', ',\n  "')


def _whole(fields: _Fields) -> str:
    return _text(*fields, unknown=None)


def _user_id_not_an_integer(fields: _Fields) -> bytes:
    return _whole(fields).replace(f'"user_id":{fields[1]}', '"user_id":"me"').encode()


def _timestamp_not_a_time(fields: _Fields) -> bytes:
    return _whole(fields).replace(f'"timestamp":"{world.iso(fields[3])}"', '"timestamp":"today at ten"').encode()


_SPOILT: tuple[tuple[str, Callable[[_Fields], bytes | None]], ...] = (
    ("broken_json", lambda fields: _whole(fields)[:-7].encode()),
    ("user_id_not_an_integer", _user_id_not_an_integer),
    ("missing_event_id", lambda fields: _whole(fields).replace(f'"event_id":"{fields[0]}",', "").encode()),
    ("not_an_object", lambda fields: f'["{fields[0]}"]'.encode()),
    ("empty_value", lambda _: b""),
    ("timestamp_not_a_time", _timestamp_not_a_time),
    ("event_id_not_a_uuid", lambda fields: _text("42", *fields[1:], unknown=None).encode()),
    ("null_value", lambda _: None),
    ("not_utf8", lambda fields: _whole(fields).encode().replace(b'"properties":{', b'"properties":{"\xff":1,')),
    ("missing_timestamp", lambda fields: _whole(fields).replace('"timestamp"', '"time"').encode()),
    # can be read, and is what no contract knows of yet
    ("unknown_event_type", lambda fields: _text(*fields[:2], "add_to_wishlist", *fields[3:], unknown=None).encode()),
)
