"""Plots as SVG that a page holds in itself: a trend with axes, a small line, a row of days. Each has a name and says in
words what it shows, and takes its colours from the page.
"""

import math
from collections.abc import Sequence
from datetime import datetime

from dataeng_assets.quality.report.story import Day, DayState
from dataeng_assets.quality.report.trends import Trend
from dataeng_assets.quality.written.markup import Html, element, join
from dataeng_assets.quality.written.words import number, utc

_WIDTH, _HEIGHT = 520, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 74, 14, 30
_TICKS = 4
_TINY = 1e-12


def trend_plot(trend: Trend, identity: str) -> Html:
    """A series with its axes, its newest value and the range that would be usual for it.

    Args:
        trend: the series.
        identity: unique on the page, so that the plot can be named by its title.
    """
    scale = _Scale(trend)
    last_at, last = trend.points[-1]
    marks = [scale.grid(), scale.usual(trend), scale.line(), *scale.dots(), scale.label(last)]
    said = f"{len(trend.points)} values from {utc(trend.points[0][0])} to {utc(last_at)}; the newest is {number(last)}."
    return _named(
        "plot", (_WIDTH, _HEIGHT), trend.name, f"{said} {trend.sentence or usual_range(trend)}", identity, *marks
    )


def usual_range(trend: Trend) -> str:
    """The range that would be usual now, in words."""
    if trend.low is None and trend.high is None:
        return ""
    if trend.low is None:
        return f"Usual now: at most {number(trend.high)}."
    return f"Usual now: {number(trend.low)} to {number(trend.high)}." if trend.high is not None else (
        f"Usual now: at least {number(trend.low)}."
    )  # fmt: skip


def sparkline(values: Sequence[float], name: str, identity: str) -> Html:
    """A line without axes; how it runs is said in words."""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = 96 / max(len(values) - 1, 1)
    places = [
        (2 + at * step, 22 - (value - low) / span * 18 if high > low else 13.0) for at, value in enumerate(values)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    end = element("circle", cx=f"{places[-1][0]:.1f}", cy=f"{places[-1][1]:.1f}", r="2.5", class_="dot")
    said = f"From {number(values[0])} to {number(values[-1])}; least {number(low)}, most {number(high)}."
    return _named("spark", (100, 26), name, said, identity, element("polyline", points=path, class_="line"), end)


def day_grid(days: Sequence[Day], states: Sequence[DayState], name: str, identity: str) -> Html:
    """A square per day; one on which the promise did not hold carries a sign, not a colour alone."""
    squares = []
    for at, (day, state) in enumerate(zip(days, states, strict=True)):
        kind = state.value.replace(" ", "-")
        x = at * 17
        parts = [
            element("title", f"{day.day}: {state.value}"),
            element("rect", x=x + 1, y=1, width=15, height=24, rx=3, class_=f"day {kind}"),
        ]
        if sign := {DayState.BROKEN: "✗", DayState.UNDECIDED: "?"}.get(state):
            parts.append(element("text", sign, x=x + 8.5, y=17.5, text_anchor="middle", class_=f"sign {kind}"))
        squares.append(element("g", *parts))
    counts = ", ".join(f"{states.count(state)} {state.value}" for state in DayState if state in states)
    said = f"{days[0].day} to {days[-1].day}: {counts}."
    return _named("grid", (17 * len(days), 26), name, said, identity, *squares)


def _named(kind: str, size: tuple[int, int], name: str, said: str, identity: str, *children: Html) -> Html:
    title = element("title", name, id=f"{identity}-title")
    desc = element("desc", said, id=f"{identity}-desc")
    named = {"aria_labelledby": f"{identity}-title", "aria_describedby": f"{identity}-desc"}
    view = f"0 0 {size[0]} {size[1]}"
    return element("svg", title, desc, *children, class_=kind, viewBox=view, role="img", **named)


class _Scale:
    """Where moments and values lie on a plot."""

    def __init__(self, trend: Trend) -> None:
        self.points = trend.points
        values = [value for _, value in trend.points]
        edges = [*values, *(bound for bound in (trend.low, trend.high) if bound is not None and math.isfinite(bound))]
        self.ticks = _ticks(min(edges), max(edges))
        self.low, self.high = self.ticks[0], self.ticks[-1]
        self.first, self.last = trend.points[0][0], trend.points[-1][0]

    def x(self, at: datetime) -> float:
        whole = (self.last - self.first).total_seconds()
        part = (at - self.first).total_seconds() / whole if whole else 1.0
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> Html:
        lines = []
        for tick in self.ticks:
            y = f"{self.y(tick):.1f}"
            lines.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="axis"))
            lines.append(element("text", short(tick), x=_LEFT - 8, y=f"{self.y(tick) + 4:.1f}", text_anchor="end"))
        foot = _HEIGHT - 8
        lines.append(element("text", f"{self.first:%d %b}", x=_LEFT, y=foot, text_anchor="start"))
        if self.last.date() > self.first.date():
            lines.append(element("text", f"{self.last:%d %b}", x=_WIDTH - _RIGHT, y=foot, text_anchor="end"))
        return element("g", *lines, aria_hidden="true")

    def usual(self, trend: Trend) -> Html:
        """The usual range beside the newest value, which alone it speaks of."""
        if trend.low is None and trend.high is None:
            return Html("")
        top = self.y(self.high if trend.high is None else trend.high)
        bottom = self.y(self.low if trend.low is None else trend.low)
        x = _WIDTH - _RIGHT
        return element(
            "rect", x=x - 7, y=f"{top:.1f}", width=14, height=f"{max(bottom - top, 2):.1f}", rx=3, class_="usual"
        )

    def line(self) -> Html:
        path = " ".join(f"{self.x(at):.1f},{self.y(value):.1f}" for at, value in self.points)
        return element("polyline", points=path, class_="line")

    def dots(self) -> list[Html]:
        shown = self.points if len(self.points) <= 45 else self.points[-1:]
        return [
            element(
                "circle",
                element("title", f"{utc(at)}: {number(value)}"),
                cx=f"{self.x(at):.1f}",
                cy=f"{self.y(value):.1f}",
                r="4.5" if at == self.last else "2",
                class_="dot",
            )
            for at, value in shown
        ]

    def label(self, value: float) -> Html:
        return element("text", short(value), x=_WIDTH - _RIGHT + 14, y=f"{self.y(value) + 4:.1f}", class_="now")


def short(value: float) -> str:
    """A number in few characters, for an axis."""
    if abs(value) >= 1e15:
        return f"{value:.1e}"
    for least, unit, letter in ((1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            part = value / unit
            return f"{part:.0f}{letter}" if abs(part) >= 100 else f"{part:.3g}{letter}"
    return f"{value:,.4g}"


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the least value to above the largest, a few of them."""
    largest = max(abs(low), abs(high))
    if high - low < max(largest * 1e-9, _TINY):
        reach = largest * 0.1 if largest > _TINY else 1.0
        low, high = (low - reach if low else 0.0), high + reach
    raw = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    start = math.floor(low / step)
    ticks = [start * step]
    while ticks[-1] < high:
        ticks.append((start + len(ticks)) * step)
    return ticks


def legend() -> Html:
    """What the marks of a trend mean."""
    return join(
        element("span", class_="key usual"),
        " range that would be usual for the newest value, by the values before it",
    )
