"""SQL that puts events into windows: relation `taken` to relation `assigned`, for each kind.

`taken` has an event's `moment` in microseconds, its place `p` and `o`, its keys `b0, b1, …` and its columns; `assigned`
has an event once for each window it lies in, with `w`, which tells windows of one key apart, and what the kind's
`borders` are made of.
"""

from dataclasses import dataclass

from dataeng_assets.streams.windows.kinds import Grid, Panes, Session

_ORDER = "moment, p, o"


@dataclass(frozen=True)
class Assigned:
    """How windows are told from `assigned`.

    Attributes:
        steps: common table expressions from `taken` to `assigned`.
        start: aggregate expression of the window's start.
        end: of its end.
        more: further aggregate expressions with their names.
    """

    steps: str
    start: str
    end: str
    more: tuple[str, ...] = ()


def grid(kind: Grid) -> Assigned:
    """Tumbling and sliding windows."""
    last = last_start(kind)
    if kind.every == kind.size:
        windows = last
    else:
        further = f"({kind.size - 1} - moment + ({last})) // {kind.every}"
        windows = f"unnest(generate_series({last} - {further} * {kind.every}, {last}, {kind.every}))"
    return Assigned(f"assigned AS NOT MATERIALIZED (SELECT *, {windows} AS w FROM taken)", "w", f"w + {kind.size}")


def last_start(kind: Grid) -> str:
    """SQL over `taken`: where the last window begins that an event lies in; a tumbling one's only window."""
    return _floor(f"moment - {kind.offset}", kind.every, f" + {kind.offset}")


def session(kind: Session, keys: int) -> Assigned:
    """Sessions; `run` is the first event of a session's run, as far as it was read."""
    by, longest, cell = partition(keys), kind.longest, _floor("moment", kind.longest)
    first_cut = f"{_floor('run', longest)} + CASE WHEN run % {longest} = 0 THEN {longest} ELSE {2 * longest} END"
    steps = f"""
        marked AS (SELECT *, moment - lag(moment) OVER ({by} ORDER BY {_ORDER}) >= {kind.gap} AS apart FROM taken),
        runs AS (
            SELECT *, max(CASE WHEN apart IS NOT FALSE THEN moment END)
                OVER ({by} ORDER BY {_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run FROM marked
        ),
        cut AS (SELECT *, {first_cut} AS first_cut FROM runs),
        assigned AS (
            SELECT *, CASE WHEN moment < first_cut THEN run ELSE {cell} END AS w,
                CASE WHEN moment < first_cut THEN first_cut ELSE {cell} + {longest} END AS cut_at
            FROM cut
        )"""
    end = f"least(max(moment) + {kind.gap}, min(cut_at))"
    return Assigned(steps, "min(moment)", end, ("min(run) AS run",))


def panes() -> Assigned:
    """Panes, which `panes.fired` has told in the columns `pane`, `ends` and `fired`."""
    more = (
        "min(fired) AS fired_by",
        f"last(p ORDER BY {_ORDER}) AS _kafka_partition",
        f"last(o ORDER BY {_ORDER}) AS _kafka_offset",
    )
    return Assigned("assigned AS (SELECT *, pane AS w FROM taken)", "min(moment)", "min(ends)", more)


def candidates(kind: Panes, keys: int) -> str:
    """A query over `taken` that adds, per event, where a pane that begins with it would end.

    Columns `place` in its key from 1, and the places of the first event after `every` and of the first that meets the
    condition (0 for none).
    """
    by = partition(keys)
    return f"""
        SELECT *, row_number() OVER placed AS place,
            1 + count(*) OVER ({by} ORDER BY moment RANGE BETWEEN UNBOUNDED PRECEDING AND {kind.every - 1} FOLLOWING)
                AS after,
            coalesce(min(met) OVER ({by} ORDER BY {_ORDER} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING), 0) AS hit
        FROM (SELECT *, CASE WHEN condition THEN row_number() OVER placed END AS met FROM taken
            WINDOW placed AS ({by} ORDER BY {_ORDER}))
        WINDOW placed AS ({by} ORDER BY {_ORDER})
        ORDER BY {", ".join([*(f"b{number}" for number in range(keys)), _ORDER])}"""


def partition(keys: int) -> str:
    """The clause that keeps the keys apart."""
    return f"PARTITION BY {', '.join(f'b{number}' for number in range(keys))}" if keys else ""


def _floor(value: str, length: int, more: str = "") -> str:
    """The last multiple at or before a value, also before 1970."""
    return f"({value} - (({value}) % {length} + {length}) % {length}{more})"
