"""How well anomalies are found in twenty kinds of series: by our rule, and by the z-scores that others use.

    .venv/bin/python benchmarks/anomalies.py [--json FILE] [--data FOLDER]

Each rule judges every day of every series, knowing only the days before it (z-scores count the day itself too, as
their tools do). Series are made with a seed; what is wrong in them is known. An event counts as found when any of its
days raises an alarm; an alarm outside of events is false. Nobody acknowledges anything.

`--data` adds series of real data: rows per day of each CSV file (also gzipped, or many in a tar) below the folder that
has a time in its first data row, or that is named by its day; as they are, and with three incidents planted in them.
What is odd in real data is not labelled, so there an alarm may be called false that is not.

Contestants: `elementary`: mean and standard deviation of the 14 days before and the day itself, from 7 days on, 3
sigma, freshness upwards only. `z-score`: the same of all days so far, as `expect_column_value_z_scores_to_be_less_than`
of Great Expectations has it over a table of metrics.
"""

import argparse
import csv
import gzip
import json
import math
import random
import re
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean, stdev

from rich import box
from rich.console import Console
from rich.table import Table

from dataeng_assets.quality.anomalies.backtest import Event, Replay, Rule, replay
from dataeng_assets.quality.anomalies.detect import Finding, Outcome, Point, judge

SEED = 20260105
REPEATS = 5
DAYS = 120
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Case:
    """One series: values by day (None: a day without a measurement), and from which to which day something is wrong."""

    name: str
    metric: str
    values: Sequence[float | None]
    wrong: Sequence[tuple[int, int]] = ()
    start: datetime = MONDAY

    @property
    def points(self) -> list[Point]:
        """The days that have a measurement."""
        return [Point(self.start + n * DAY, value) for n, value in enumerate(self.values) if value is not None]

    @property
    def events(self) -> list[Event]:
        """What is wrong."""
        return [Event(self.start + first * DAY, self.start + last * DAY) for first, last in self.wrong]


def week(day: int) -> float:
    return (1.0, 0.95, 1.0, 1.05, 1.1, 0.4, 0.3)[day % 7]


def cases(chance: random.Random) -> Iterator[Case]:
    """The twenty kinds."""
    yield from counts(chance)
    yield from growing(chance)
    yield from rare(chance)
    yield from others(chance)


def counts(chance: random.Random) -> Iterator[Case]:
    def rows(level: Callable[[int], float], noise: float = 0.06) -> list[float]:
        return [round(level(day) * math.exp(chance.gauss(0, noise))) for day in range(DAYS)]

    weekly = [10_000 * week(day) for day in range(DAYS)]
    values = rows(lambda day: weekly[day])
    values[72], values[88] = values[68] // 1, values[88] * 2
    yield Case("weekly season", "row_count", values, [(72, 72), (88, 88)])
    values = rows(lambda day: weekly[day])
    for holiday in (30, 45, 87, 102):
        values[holiday] = round(values[holiday] * 0.35)
    values[64] = 300
    yield Case("holidays", "row_count", values, [(64, 64)])
    yield Case("level shift", "row_count", rows(lambda day: 8_000 * (1 if day < 60 else 1.6)), [(60, 66)])
    values = rows(lambda _: 5_000)
    for outlier in (22, 29, 35):
        values[outlier] *= 30
    values[50], values[95] = values[50] * 3, values[95] // 3
    yield Case("poisoned training", "row_count", values, [(day, day) for day in (22, 29, 35, 50, 95)])
    hours = [23 if day == 62 else 25 if day == 100 else 24 for day in range(DAYS)]
    values = rows(lambda day: 1_000 * hours[day], 0.01)
    values[80] = values[80] * 17 // 24
    yield Case("clock changes", "row_count", values, [(80, 80)])
    missing: list[float | None] = [None if chance.random() < 0.15 else rows for rows in rows(lambda day: weekly[day])]
    missing[74], missing[101] = 900, 25_000
    yield Case("missing days", "row_count", missing, [(74, 74), (101, 101)])
    values = [round(400 * math.exp(chance.gauss(0, 0.05))) for _ in range(12)]
    values[9] = 4_000
    yield Case("young table", "row_count", values, [(9, 9)])


def growing(chance: random.Random) -> Iterator[Case]:
    def grown(added: Callable[[int], float]) -> list[float]:
        rows, values = 200_000, []
        for day in range(DAYS):
            rows += round(added(day) * math.exp(chance.gauss(0, 0.1)))
            values.append(rows)
        return values

    values = [round((2_000 + 40 * day) * math.exp(chance.gauss(0, 0.04))) for day in range(DAYS)]
    values[60], values[90] = values[60] // 2, values[90] * 2
    yield Case("trend", "row_count", values, [(60, 60), (90, 90)])
    values = [round(500 * 1.03**day * math.exp(chance.gauss(0, 0.05))) for day in range(DAYS)]
    values[70] = values[70] * 6 // 10
    yield Case("growth by 3 % a day", "row_count", values, [(70, 70)])
    wrong = {55: 0.0, 85: 5.0}
    yield Case("only appended to", "row_count", grown(lambda day: 3_000 * wrong.get(day, 1)), [(55, 55), (85, 85)])
    wrong_week = {59: 0.0, 96: 4.0}  # a Thursday, a Saturday
    appended = grown(lambda day: 3_000 * (week(day) if day % 7 < 5 else 0.02) * wrong_week.get(day, 1) + 1)
    yield Case("appended on workdays", "row_count", appended, [(59, 59)])


def rare(chance: random.Random) -> Iterator[Case]:
    def poisson(rate: float) -> int:
        count, left = 0, math.exp(-rate)
        product = chance.random()
        while product > left:
            count, product = count + 1, product * chance.random()
        return count

    values = [float(poisson(0.4)) for _ in range(DAYS)]
    values[75] = 40
    yield Case("sparse", "row_count", values, [(75, 75)])
    values = [0.0 if chance.random() < 0.7 else round(1_000 * math.exp(chance.gauss(0, 0.4))) for _ in range(DAYS)]
    values[66] = 5_000_000
    yield Case("mostly nothing", "row_count", values, [(66, 66)])
    values = [4_217.0] * DAYS
    values[48:55] = [4_700.0] * 7
    yield Case("constant, then a jump", "row_count", values, [(48, 55)])


def others(chance: random.Random) -> Iterator[Case]:
    def share(percent: float, rows: int = 2_000) -> float:
        spread = math.sqrt(percent * (100 - percent) / rows) if 0 < percent < 100 else 0
        return round(min(100, max(0, chance.gauss(percent, spread))) / 100, 4)

    values = [0.0] * DAYS
    values[70:72] = [0.02, 0.025]
    yield Case("never missing, then 2 %", "null_share", values, [(70, 71)])
    values = [share(5) for _ in range(DAYS)]
    values[77] = 0.3
    yield Case("some missing, then 30 %", "null_share", values, [(77, 77)])
    drift = [share(1 if day < 80 else min(20, 1 + (day - 79) * 1.0)) for day in range(100)]
    yield Case("missing more and more", "null_share", drift, [(80, 99)])
    values = [1 - share(0.1) for _ in range(DAYS)]
    values[63] = 0.93
    yield Case("duplicates", "distinct_share", values, [(63, 63)])
    values = [max(0.1, chance.gauss(3 if day % 7 else 50, 0.5)) for day in range(DAYS)]
    values[65], values[66] = 30, 54
    yield Case("freshness, old on Mondays", "hours_old", values, [(65, 66)])
    values = [80 * math.exp(chance.gauss(0, 0.08)) * (1.5 if chance.random() < 0.03 else 1) for _ in range(DAYS)]
    values[82] *= 100
    values[100] /= 4
    yield Case("mean with a wild tail", "mean", values, [(82, 82), (100, 100)])


def ours(metric: str) -> Rule:
    return lambda before, point: judge(before, point, metric=metric)


def elementary(metric: str) -> Rule:
    """Its window is `rows between 14 preceding and current row`; a deviation of zero scores zero."""
    return lambda before, point: z_score(metric, [*before[-14:], point], only_high=metric == "hours_old")


def all_days(metric: str) -> Rule:
    return lambda before, point: z_score(metric, [*before, point])


CONTESTANTS = {"ours": ours, "elementary": elementary, "z-score": all_days}


def z_score(metric: str, points: Sequence[Point], *, only_high: bool = False) -> Finding:
    values = [point.value for point in points if point.value is not None]
    if len(values) < 7:
        outcome, score = Outcome.NOT_ENOUGH_HISTORY, 0.0
    else:
        spread = stdev(values)
        score = (values[-1] - mean(values)) / spread if spread else 0.0
        outcome = Outcome.ANOMALY if (score if only_high else abs(score)) > 3 else Outcome.USUAL
    last = points[-1]
    return Finding(metric, None, last.at, outcome, last.value, None, None, score, 3, len(values), "all", "")


def real(folder: Path, chance: random.Random) -> Iterator[Case]:
    """Rows per day of each file below the folder, as they are and with three incidents."""
    for path in sorted(folder.rglob("*")):
        by_day = (
            tarred(path) if path.name.endswith(".tar.gz") else dated(path) if ".csv" in path.suffixes else Counter()
        )
        if len(by_day) < 40:
            continue
        start = min(by_day)
        days = [start + n * DAY for n in range((max(by_day) - start).days + 1)]
        values: list[float | None] = [by_day.get(day) for day in days]
        begins = datetime(start.year, start.month, start.day, tzinfo=UTC)
        case = Case(f"{path.parent.name}: {path.name.partition('.')[0]}", "row_count", values, (), begins)
        yield case
        there = [n for n, value in enumerate(values) if value is not None and n > 35]
        places = sorted(chance.sample(there, 3))
        planted = list(values)
        for place, factor in zip(places, (0.0, 5.0, 0.15), strict=True):
            planted[place] = round((values[place] or 0) * factor)
        yield replace(case, name=f"{case.name}, planted", values=planted, wrong=[(n, n) for n in places])


def tarred(path: Path) -> Counter[date]:
    found: Counter[date] = Counter()
    with tarfile.open(path) as archive:
        for member in archive:
            day = re.search(r"\d{4}-\d\d-\d\d", member.name)
            content = archive.extractfile(member)
            if day and content:
                found[date.fromisoformat(day[0])] += max(0, content.read().count(b"\n") - 1)
    return found


def dated(path: Path) -> Counter[date]:
    found: Counter[date] = Counter()
    column = None
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", errors="replace", newline="") as text:
        rows = csv.reader(text)
        next(rows, None)
        for row in rows:
            days = [day_of(value) for value in row]
            if column is None:
                column = next((n for n, day in enumerate(days) if day), None)
            if column is None:
                break
            if column < len(days) and days[column]:
                found[days[column]] += 1
    return found


def day_of(value: str) -> date | None:
    day = re.match(r"(\d{4})[-/](\d\d)[-/](\d\d)", value)
    return date(*map(int, day.groups())) if day else None


def measured(name: str, contestant: str, runs: Sequence[Replay], seconds: float) -> dict[str, object]:
    alarms, right = sum(run.alarms for run in runs), sum(run.true_alarms for run in runs)
    events, found = sum(run.events for run in runs), sum(run.detected for run in runs)
    false, points = (sum(getattr(run.false_alarms, part) for run in runs) for part in ("alarms", "points"))
    delays = [delay / DAY for run in runs for delay in run.delays]
    return {
        "case": "anomalies",
        "series": name,
        "contestant": contestant,
        "points": points,
        "alarms": alarms,
        "events": events,
        "found": found,
        "precision": right / alarms if alarms else None,
        "recall": found / events if events else None,
        "false_alarms_per_100": 100 * false / points if points else None,
        "delay_days": mean(delays) if delays else None,
        "seconds": round(seconds, 3),
    }


def shown(results: Sequence[dict[str, object]], names: Sequence[str]) -> Table:
    columns = [f"{contestant}\n{what}" for contestant in CONTESTANTS for what in ("precision", "recall", "false")]
    title = "Share of alarms that are right, share of events that are found, false alarms per 100 points"
    table = Table("series", *columns, title=title, box=box.SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    by_place = {(one["series"], one["contestant"]): one for one in results}
    for name in names:
        cells = [
            "" if value is None else f"{value:.{1 if what == 'false_alarms_per_100' else 2}f}"
            for contestant in CONTESTANTS
            for what in ("precision", "recall", "false_alarms_per_100")
            for value in [by_place[name, contestant][what]]
        ]
        table.add_row(name, *cells, end_section=name == names[-2])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--data", type=Path, help="folder of real data")
    asked = parser.parse_args()
    groups: dict[str, list[Case]] = {}
    for repeat in range(REPEATS):
        for case in cases(random.Random(SEED + repeat)):
            groups.setdefault(case.name, []).append(case)
    for case in real(asked.data, random.Random(SEED)) if asked.data else ():
        groups[case.name] = [case]
    results, every = [], {contestant: list[Replay]() for contestant in CONTESTANTS}
    took = dict.fromkeys(CONTESTANTS, 0.0)
    for name, group in groups.items():
        for contestant, rule in CONTESTANTS.items():
            started = time.process_time()
            runs = [replay(case.points, rule(case.metric), case.events) for case in group]
            seconds = time.process_time() - started
            results.append(measured(name, contestant, runs, seconds))
            every[contestant] += runs
            took[contestant] += seconds
    results += [measured("all", contestant, runs, took[contestant]) for contestant, runs in every.items()]
    Console(width=130).print(shown(results, [*groups, "all"]))
    if asked.json:
        asked.json.write_text(json.dumps({"case": "anomalies", "seed": SEED, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
