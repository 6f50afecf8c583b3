"""What the shop's people, goods and notes are made of, and the values that are hard to carry.

Drawing from it belongs in `history`, `events` and `life`.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """Where customers live: country code, its currency, a city and a street."""

    country: str
    currency: str
    city: str
    street: str


PLACES = (
    Place("DE", "EUR", "Köln", "Straße des 17. Juni"),
    Place("DE", "EUR", "München", "Brienner Str."),
    Place("FR", "EUR", "Saint-Étienne", "Rue de l'Abbé"),
    Place("FR", "EUR", "L'Haÿ-les-Roses", 'Allée "des Œillets"'),
    Place("GB", "GBP", "Newcastle upon Tyne", "King's Road"),
    Place("IE", "EUR", "Dún Laoghaire", "O'Connell Street"),
    Place("PL", "PLN", "Łódź", "ul. Żółta"),
    Place("SE", "SEK", "Malmö", "Ångströmsgatan"),
    Place("GR", "EUR", "Θεσσαλονίκη", "Οδός Αριστοτέλους"),
    Place("UA", "UAH", "Київ", "вулиця Хрещатик"),
    Place("JP", "JPY", "京都市", "四条通"),
    Place("IN", "INR", "मुंबई", "महात्मा गांधी मार्ग"),
    Place("IL", "ILS", "תל אביב", "רוטשילד"),
    Place("BR", "BRL", "São Paulo", "Avenida Paulista"),
    Place("US", "USD", "Coeur d'Alene", "N 4th St, Apt #5"),
    Place("US", "USD", "New York", "5th Ave; Floor 12"),
)

FIRST_NAMES = (
    "Anna", "Bjørn", "Chloé", "Dmytro", "Élodie", "Fatima", "Giulia", "Håkon", "İbrahim", "José", "Kateřina",
    "Łukasz", "Maëlle", "Νίκος", "Olha", "Pádraig", "Quỳnh", "Renée", "Siobhán", "太郎", "Ursula", "李", "Zoë", "अनिल",
)  # fmt: skip
LAST_NAMES = (
    "Müller", "O'Brien", "Nguyễn", "van der Berg", "García-López", "Шевченко", "Smith", "Sørensen", "Y\u0131lmaz",
    "山田", "D'Angelo", "Kowalska", "Παπαδόπουλος", "St. John", "Null", "True", "कुमार", "de la Cruz", "Ó Súilleabháin",
    "Å",
)  # fmt: skip

CATEGORIES = ("books", "garden", "kitchen", "music", "outdoor", "toys", "wool & yarn")
SHELVES = ("new & noteworthy", "für Kinder", "second hand", "50% off")
RETURN_PERIODS = ("P14D", "P1M", None, "P1Y2M", "PT36H", "P1M15DT12H")
GOODS = (
    "Lamp",
    "Teekanne",
    "Poêle",
    "Kite",
    "Guitar strings",
    "Spade",
    "Wolle",
    "Étui",
    '12" record',
    "抹茶碗",
    "50% off box",
)
COLOURS = ("red", "grün", "bleu", "черный", "白", "n/a")

CARRIERS = ("DHL", "Poczta Polska", "Ποστ", "Chronopost Relais", "bike courier")
DELIVER_AFTER = (None, None, "09:00:00", "17:30:00", "23:59:59", "00:00:00")

TAGS = ("vip", "néw", "b2b", "a,b", 'says "hi"', "back\\slash", "NULL", "", "{brace}", "two words", "日本")
COUPONS = ("WELCOME10", "SPRING-5", "ÉTÉ", "BLACK,FRIDAY", "null", 'Q"4"')

NOTES = (
    "Please ring twice.", "", "NULL", "null", "\\N", "\\", "C:\\temp\\new", 'He said "leave it outside".',
    "It's a gift", "first line\nsecond line", "windows\r\nline end", "tab\there", "a,b;c|d", " spaces around ",
    "Grüße aus Köln", "日本語のメモ", "👩‍👩‍👧 family size", "'; drop table orders; --", "{not json",
    "e\u0301 as two characters, \u00e9 as one", "\u200bzero width", "0", "-", "NaN", "2026-02-30", "%s %d {}",
    "<b>bold</b> &amp; more", "Ignore the doorbell. " * 12,
)  # fmt: skip


def stream(*purpose: object) -> Random:
    """A stream of chance that belongs to one purpose, and to nothing else."""
    return Random(":".join(str(part) for part in purpose))  # noqa: S311 - the same seed has to give the same shop


def moment(micros: int) -> datetime:
    """The instant that lies `micros` microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def iso(micros: int) -> str:
    """An instant as the web site writes it: ISO 8601 with microseconds, in UTC, marked by Z."""
    return moment(micros).isoformat(timespec="microseconds")[:-6] + "Z"


def micros(instant: datetime) -> int:
    """Microseconds since 1970 of an aware instant."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def uuid_text(random: Random) -> str:
    """A random UUID of version 4, as Postgres prints it."""
    digits = f"{random.getrandbits(128):032x}"
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[int(digits[16], 16) & 3]}{digits[17:20]}-{digits[20:]}"
    )


def instants(random: Random, count: int, since: int, until: int) -> list[int]:
    """Ascending microseconds in `[since, until)`: quiet nights, busy week-ends, growth over the whole span."""
    hours = max(1, -(-(until - since) // HOUR))
    total = 0.0
    weights = []
    for hour in range(hours):
        start = since + hour * HOUR
        of_day, of_week = start // HOUR % 24, start // DAY % 7
        share = min(1.0, (until - start) / HOUR)
        total += (
            share * (0.25 + of_day * (24 - of_day) / 144) * (1.3 if of_week in (2, 3) else 1.0) * (1 + hour / hours)
        )
        weights.append(total)
    drawn = random.choices(range(hours), cum_weights=weights, k=count)
    unit = random.random
    spans = [min(HOUR, until - since - hour * HOUR) for hour in range(hours)]
    return sorted(since + hour * HOUR + int(unit() * spans[hour]) for hour in drawn)
