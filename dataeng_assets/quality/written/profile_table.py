"""A profile as people read it in a terminal: a line per column. No value of a personal column is in it."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dataeng_assets.quality.profile import ColumnShape, Profile
from dataeng_assets.quality.profile_keys import identifies
from dataeng_assets.quality.results import share
from dataeng_assets.quality.written.table import NARROW
from dataeng_assets.quality.written.words import number, visible

_SHOWN_VALUES = 4
_LONGEST_SHOWN = 24


def rendered(profile: Profile, *, width: int) -> RenderableType:
    """The profile for a rich console.

    Args:
        profile: what was found.
        width: of the terminal.
    """
    heading = Text(f"{visible(profile.table)}", style="bold")
    heading.append(f"   {profile.size}", style="not bold")
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    grid.add_column("column", overflow="fold")
    grid.add_column("type", overflow="fold")
    grid.add_column("missing", justify="right", overflow="fold")
    grid.add_column("distinct", justify="right", overflow="fold")
    grid.add_column("values", overflow="fold")
    is_wide = width >= NARROW
    if is_wide:
        grid.add_column("noticed", overflow="fold")
    for shape in profile.columns:
        noticed, values = _noticed(shape, profile), _values(shape)
        last = [Text(values), Text(noticed, style="cyan")] if is_wide else [Text(f"{values}\n{noticed}".strip())]
        grid.add_row(
            Text(visible(shape.name)), Text(_type(shape)), Text(_missing(shape, profile)), Text(_distinct(shape)), *last
        )
    return Group(heading, Text(f"  {visible(profile.input)}", style="dim"), grid)


def _type(shape: ColumnShape) -> str:
    if shape.type is None:
        return "mixed" if shape.values else "no value"
    physical = shape.type.physical or ""
    return visible(physical if physical.startswith("numeric") or not shape.logical else shape.logical)


def _missing(shape: ColumnShape, profile: Profile) -> str:
    return share(shape.nulls, profile.rows) if shape.nulls else "0"


def _distinct(shape: ColumnShape) -> str:
    if shape.frequent:
        return number(len(shape.frequent))
    return number(shape.values) if shape.unique else f"~{number(shape.distinct)}"


def _values(shape: ColumnShape) -> str:
    if shape.personal:
        return "not shown"
    if shape.minimum is not None:
        has_mean = shape.mean is not None and not identifies(shape.name)  # the mean of numbers that name things is none
        mean = f", mean {_short(shape.mean)}" if has_mean else ""
        return f"{_short(shape.minimum)} to {_short(shape.maximum)}{mean}"
    if shape.frequent and len(shape.frequent) <= shape.values / 2 and not shape.formats:
        more = f", {len(shape.frequent) - _SHOWN_VALUES} more" if len(shape.frequent) > _SHOWN_VALUES else ""
        return ", ".join(f"{_cut(value)} ({number(count)})" for value, count in shape.frequent[:_SHOWN_VALUES]) + more
    if shape.longest is not None and shape.logical == "string":
        same = shape.shortest == shape.longest
        return f"{'' if same else f'{number(shape.shortest)} to '}{number(shape.longest)} characters"
    return ""


def _noticed(shape: ColumnShape, profile: Profile) -> str:
    told = list(shape.formats)
    if profile.keys and shape.name in profile.keys[0]:
        told.append("key?" if len(profile.keys[0]) == 1 else "part of the key?")
    elif shape.unique:
        told.append("unique")
    if shape.personal:
        told.append(f"personal? {shape.personal}")
    return ", ".join(told)


def _short(text: str | None) -> str:
    """A number with the digits that count; a time as it is."""
    try:
        return number(int(text or "") if (text or "").lstrip("-").isdigit() else float(text or ""))
    except ValueError:
        return visible(text or "")


def _cut(text: str) -> str:
    shown = visible(text) or "''"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 1]}…"
