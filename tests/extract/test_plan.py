"""What to read, decided without a server."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.extract.plan import (
    MARGIN,
    Plan,
    Progress,
    Window,
    advance,
    microseconds,
    moment,
    plan_read,
    progress_names,
    stored_progress,
    transactions,
)
from dataeng_assets.postgres.errors import SourceBehind
from dataeng_assets.postgres.snapshot import OpenTransactions, Snapshot

START = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = datetime(2100, 1, 1, tzinfo=UTC)
NAMES = progress_names("shop.items", "7.1")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def snapshot(seconds: float, *, xmin=10, xmax=10, earliest=None, hidden=()) -> Snapshot:
    return Snapshot(at(seconds), xmin, xmax, "7.1", OpenTransactions(at(seconds), earliest, tuple(hidden)))


def test_the_first_run_that_follows_reads_from_where_it_is_told():
    assert plan_read(Window(None, None), None, snapshot(0), has_row_xmin=True) == Plan(None, None, "open transactions")
    assert plan_read(Window(at(5), None), None, snapshot(9), has_row_xmin=True).since == at(5)


def test_a_window_with_an_end_is_read_as_it_is():
    known = Progress(at(1), fresh=True, xmin=3)
    assert plan_read(Window(at(5), at(6)), known, snapshot(9), has_row_xmin=True) == Plan(at(5), at(6), "window")


def test_the_bound_is_the_earliest_start_of_an_open_transaction_less_a_margin():
    assert advance(None, snapshot(60, earliest=at(40))).lower_bound == at(40) - MARGIN
    assert advance(None, snapshot(60)).lower_bound == at(60) - MARGIN


def test_a_clock_set_back_is_noticed_and_the_next_run_goes_by_number():
    before = Progress(at(100), fresh=True, xmin=10)
    back = snapshot(50, xmin=20, xmax=20)
    assert plan_read(Window(AHEAD, None), before, back, has_row_xmin=True).written == (10, 10)
    after = advance(before, back)
    assert after == Progress(at(100), fresh=False, xmin=20)
    caught_up = snapshot(200, xmin=30, xmax=31)
    assert plan_read(Window(AHEAD, None), after, caught_up, has_row_xmin=True).written == (20, 11)
    assert advance(after, caught_up).fresh


def test_more_transactions_than_a_row_can_tell_apart_means_reading_everything():
    before = Progress(None, fresh=False, xmin=10)
    plan = plan_read(
        Window(AHEAD, None), before, snapshot(1, xmin=10, xmax=10 + 2**32, hidden=["x"]), has_row_xmin=True
    )
    assert (plan.since, plan.until, plan.written) == (None, None, None)
    assert plan.notes


@pytest.mark.parametrize("window", [Window(AHEAD, None), Window(at(0), at(1)), Window(None, None)])
def test_a_replica_that_lags_behind_is_not_read(window):
    with pytest.raises(SourceBehind) as raised:
        plan_read(window, Progress(at(0), fresh=True, xmin=11), snapshot(1, xmin=10, xmax=20), has_row_xmin=True)
    assert raised.value.retryable


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_being_stored_as_a_number(when):
    assert moment(microseconds(when)) == when


@given(
    bound=st.none() | st.datetimes(timezones=st.just(UTC)),
    fresh=st.booleans(),
    xmin=st.integers(3, 2**63 - 1),
)
def test_progress_survives_being_stored(bound, fresh, xmin):
    progress = Progress(bound, fresh and bound is not None, xmin)
    stored = transactions(NAMES, progress, at(7))
    assert stored_progress(NAMES, stored.get) == progress
    assert stored_progress(progress_names("shop.items", "8.1"), stored.get).xmin is None


def test_a_run_that_moves_nothing_stores_only_what_guards_the_table():
    assert transactions(NAMES, None, at(7)) == {NAMES.guard: microseconds(at(7))}


@dataclass
class Writer:
    """A transaction of the model: what it writes carries its start, and is seen from its commit on."""

    began: float
    xid: int | None = None
    committed: bool = False
    rows: int = 0


class Model:
    """A source in which transactions begin, write and commit while runs follow it."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.next_xid = 100
        self.writers: list[Writer] = []
        self.stored: dict[str, int] = {}
        self.seen: dict[int, int] = {}

    def run(self, *, hidden: bool, has_row_xmin: bool) -> None:
        open_now = [w for w in self.writers if not w.committed]
        running = [w.xid for w in open_now if w.xid is not None]
        earliest = min((at(w.began) for w in open_now), default=None)
        taken = Snapshot(
            at(self.clock),
            min(running, default=self.next_xid),
            self.next_xid,
            "7.1",
            OpenTransactions(at(self.clock), None if hidden else earliest, ("hidden",) if hidden else ()),
        )
        progress = stored_progress(NAMES, self.stored.get)
        window = Window(AHEAD if progress else None, None)
        plan = plan_read(window, progress, taken, has_row_xmin=has_row_xmin)
        for number, writer in enumerate(self.writers):
            if writer.committed and self._reads(plan, writer):
                self.seen[number] = writer.rows
        new = transactions(NAMES, advance(progress, taken), at(self.clock))
        assert all(self.stored.get(name, value) <= value for name, value in new.items()), "progress never goes back"
        self.stored |= new

    @staticmethod
    def _reads(plan: Plan, writer: Writer) -> bool:
        if plan.since is None or at(writer.began) >= plan.since:
            return True
        if plan.written is None or writer.xid is None:
            return False
        first, span = plan.written
        return (writer.xid - first) % 2**32 < span


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "write", "commit", "run", "hidden"]), st.integers(0, 5)),
    max_size=60,
)


@given(steps=STEPS, has_row_xmin=st.booleans())
def test_whatever_commits_when_the_next_run_has_seen_it(steps, has_row_xmin):
    model = Model()
    for step, which in steps:
        model.clock += 3
        open_now = [w for w in model.writers if not w.committed]
        if step == "begin":
            model.writers.append(Writer(model.clock))
        elif step == "write" and open_now:
            writer = open_now[which % len(open_now)]
            writer.rows += 1
            if writer.xid is None:
                writer.xid, model.next_xid = model.next_xid, model.next_xid + 1
        elif step == "commit" and open_now:
            open_now[which % len(open_now)].committed = True
        elif step in ("run", "hidden"):
            model.run(hidden=step == "hidden", has_row_xmin=has_row_xmin)
            written = {n: w.rows for n, w in enumerate(model.writers) if w.committed and w.rows}
            assert written.items() <= model.seen.items()
