"""A sketch of what it costs in a month: formulae with their figures, over prices that are assumptions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from dataeng_assets.advise.questions import Answers
from dataeng_assets.advise.tuning import runs_per_day
from dataeng_assets.advise.units import DAY, GB, MB

HOURS, DAYS = 730.0, 30.4
"""Of a month."""


@dataclass(frozen=True)
class Assumption:
    """A price or a measure that the sketch rests on; replace it by your own."""

    name: str
    value: float
    what: str


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption("object-gb-month", 0.023, "USD for a GB in object storage or a warehouse, for a month"),
    Assumption("disk-gb-month", 0.08, "USD for a GB on a broker's disk, for a month"),
    Assumption("vcpu-hour", 0.05, "USD for a virtual CPU with 4 GB of memory, for an hour"),
    Assumption("warehouse-hour", 3.0, "USD for the smallest cloud warehouse, for an hour"),
    Assumption("engineer-hour", 80.0, "USD for somebody who looks after it, for an hour"),
    Assumption("compression", 0.25, "size in columns, as a share of the size that came in"),
    Assumption("peak", 3.0, "the busiest moment, as a multiple of the mean"),
    Assumption("stream-mb-per-vcpu", 10.0, "MB that a virtual CPU takes in a second as a stream"),
    Assumption("batch-mb-per-vcpu", 20.0, "MB that a virtual CPU takes in a second in batch"),
    Assumption("warehouse-gb-hour", 200.0, "GB that the smallest warehouse loads and models in an hour"),
)
USUAL_PRICES: Mapping[str, float] = {one.name: one.value for one in ASSUMPTIONS}
_CARE_HOURS = {
    "platform": 10,
    "warehouse-native": 6,
    "spark": 20,
    "flink": 30,
    "kafka-streams": 20,
    "ksqldb": 20,
    "beam": 15,
}
"""Hours a month in which somebody looks after it; half of it for batch."""


class PriceUnknown(Exception):
    """A price has no such name, or is no number; says which there are."""


@dataclass(frozen=True)
class Cost:
    """One line of the sketch, in USD a month."""

    what: str
    formula: str
    amount: float


def read_prices(given: Mapping[str, str]) -> Mapping[str, float]:
    """The prices, with those that were given in place of the usual ones.

    Raises:
        PriceUnknown: a name is not known, or its value is no number above zero.
    """
    prices = dict(USUAL_PRICES)
    for name, text in given.items():
        if name not in prices:
            raise PriceUnknown(f"There is no price {name!r}. Known: {', '.join(prices)}.")
        try:
            prices[name] = float(text)
        except ValueError:
            prices[name] = 0.0
        if not 0 < prices[name] < float("inf"):
            raise PriceUnknown(f"The price {name} is {text!r}; it must be a number above zero.")
    return prices


def costs(answers: Answers, chosen: Mapping[str, str], prices: Mapping[str, float]) -> tuple[Cost, ...]:
    """The lines of the sketch."""
    return tuple(_lines(answers, chosen, prices))


def _lines(answers: Answers, chosen: Mapping[str, str], prices: Mapping[str, float]) -> Iterator[Cost]:
    volume = float(answers["volume"]) / GB
    days = float(answers["reprocess"]) / DAY
    yield Cost(
        "raw data",
        f"{volume:,.4g} GB a day * {days:,.4g} days * {prices['compression']:g} * {prices['object-gb-month']:g}",
        volume * days * prices["compression"] * prices["object-gb-month"],
    )
    if answers["source"] == "kafka":
        kept = float(answers["log-kept"]) / DAY
        yield Cost(
            "the log",
            f"{volume:,.4g} GB a day * {kept:,.4g} days * 3 replicas * {prices['disk-gb-month']:g}",
            volume * kept * 3 * prices["disk-gb-month"],
        )
    batch = chosen["processing"] == "batch"
    if chosen["processor"] == "warehouse-native":
        yield _warehouse(answers, prices, batch=batch)
    elif batch:
        yield _batch(volume, prices)
    else:
        yield _stream(volume, prices)
    hours = _CARE_HOURS[chosen["processor"]] * (0.5 if batch else 1) * (2 if chosen["architecture"] == "lambda" else 1)
    yield Cost("care", f"{hours:g} hours * {prices['engineer-hour']:g}", hours * prices["engineer-hour"])


def _warehouse(answers: Answers, prices: Mapping[str, float], *, batch: bool) -> Cost:
    """A warehouse runs for a minute at least, whenever it is asked."""
    loading = float(answers["volume"]) / GB / prices["warehouse-gb-hour"]
    asked = runs_per_day(float(answers["latency"])) / 60 if batch else 24.0
    hours = min(24.0, max(loading, asked)) if loading <= 24 else loading
    amount = hours * DAYS * prices["warehouse-hour"]
    return Cost("warehouse", f"{hours:,.3g} hours a day * {DAYS:g} days * {prices['warehouse-hour']:g}", amount)


def _batch(volume: float, prices: Mapping[str, float]) -> Cost:
    hours = volume * GB / MB / prices["batch-mb-per-vcpu"] / 3600
    return Cost(
        "computing",
        f"{volume:,.4g} GB a day at {prices['batch-mb-per-vcpu']:g} MB/s = {hours:,.3g} vCPU hours * {DAYS:g} days * "
        f"{prices['vcpu-hour']:g}",
        hours * DAYS * prices["vcpu-hour"],
    )


def _stream(volume: float, prices: Mapping[str, float]) -> Cost:
    rate = volume * GB / MB / DAY * prices["peak"]
    cpus = max(2, ceil(rate / prices["stream-mb-per-vcpu"]))
    return Cost(
        "computing",
        f"{rate:,.3g} MB/s at the busiest moment / {prices['stream-mb-per-vcpu']:g} = {cpus} vCPU (2 at least) * "
        f"{HOURS:g} hours * {prices['vcpu-hour']:g}",
        cpus * HOURS * prices["vcpu-hour"],
    )
