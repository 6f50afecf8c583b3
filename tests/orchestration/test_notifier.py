"""Whom is told what: once when it begins, once when it is over, and again when it could not be delivered."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from recipients import SECRET, Hook, Mailbox, hook, mailbox

from dataeng_assets.orchestration.notifier import NotifyRefused, Outside, channels, tell_news
from dataeng_assets.orchestration.outcomes import TIER, not_evaluated
from dataeng_assets.settings import ROOT

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
ORDERS = dg.AssetKey(["bronze", "orders"])


@dataclass
class Place:
    """A real instance on disk, what the assets and checks do there, and the notifier with its memory."""

    instance: dg.DagsterInstance
    addresses: str
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("notifier"))
    cursor: str | None = None
    said: str = ""
    told_of: list[dg.AssetKey] = field(default_factory=list)

    def tick(self) -> None:
        recipients, refused = channels(self.addresses, self.log)
        assert not refused
        told = tell_news(
            self.instance, self.cursor, recipients, checks=[dg.AssetCheckKey(ORDERS, "complete")], dated=[ORDERS],
            place="test", told_of=self.told_of,
        )  # fmt: skip
        self.cursor, self.said = told.cursor, told.said

    def run(
        self, *, fails: bool, day: str = "", tags: dict[str, str] | None = None, says: str = "the source\nwent away"
    ) -> str:
        @dg.op
        def copy_orders() -> None:
            if fails:
                raise ConnectionError(says)

        @dg.job
        def extract_shop() -> None:
            copy_orders()

        days = {f"dagster/asset_partition_range_{end}": day for end in ("start", "end")} if day else {}
        result = extract_shop.execute_in_process(
            instance=self.instance, raise_on_error=False, tags={**days, **(tags or {})}
        )
        return result.run_id

    def check(self, result: dg.AssetCheckResult) -> None:
        @dg.asset(key=ORDERS, check_specs=[dg.AssetCheckSpec("complete", asset=ORDERS)])
        def orders() -> Iterator[object]:
            yield dg.MaterializeResult()
            yield result

        dg.materialize([orders], instance=self.instance)

    def freshness(self, state: str) -> None:
        from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

        change = FreshnessStateChange(
            key=ORDERS, previous_state=FreshnessState.UNKNOWN, new_state=FreshnessState(state),
            state_change_timestamp=1_767_225_600.0,
        )  # fmt: skip
        self.instance.report_runless_asset_event(change)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as found:
        yield found


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def place(box: Mailbox, web: Hook) -> Iterator[Place]:
    with dg.DagsterInstance.ephemeral() as instance:
        found = Place(instance, f"{box.address} {web.address}")
        found.tick()
        yield found


def passed() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def failed(severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=False, severity=severity, metadata={"missing": 7, "rows": dg.MetadataValue.md("| a@b.example |")}
    )


def test_a_failed_run_is_told_by_mail_and_webhook_with_its_cause(place: Place, box: Mailbox, web: Hook) -> None:
    run_id = place.run(fails=True)
    place.tick()
    assert box.subjects == web.titles == ["test: extract_shop failed"]
    assert web.posts[0]["message"] == (
        f"extract_shop failed\ncopy_orders: ConnectionError: the source went away\nRun {run_id}\n"
        "What to do: docs/runbook/failed-run.md (A run failed for a reason of its own)"
    )
    assert web.posts[0]["type"] == "failure"
    assert "ConnectionError: the source went away" in box.bodies[0]


def test_every_trouble_leads_to_the_page_of_what_its_words_prove(place: Place, web: Hook) -> None:
    place.run(fails=True, says=f"{'x' * 400} No space left on device")
    place.tick()
    place.check(failed())
    place.tick()
    place.freshness("FAIL")
    place.tick()
    pages = [line for post in web.posts for line in str(post["message"]).splitlines() if line.startswith("What to do")]
    assert pages == [
        "What to do: docs/runbook/disk-full.md (A disk is full, or nearly so)",
        "What to do: docs/runbook/failed-check.md (A check that blocks has failed)",
        "What to do: docs/runbook/stale-data.md (An asset is older than it promises)",
    ]
    assert all((ROOT / line.split()[3]).is_file() for line in pages)
    place.run(fails=False)
    place.tick()
    assert "What to do" not in str(web.posts[-1]["message"]), "what is over asks for nothing"


def test_a_failure_told_before_causes_were_known_is_still_read(place: Place, web: Hook) -> None:
    place.run(fails=True)
    place.tick()
    memory = json.loads(place.cursor or "")
    for run in memory["runs"]["unmended"]:
        del run["cause"]
    place.cursor = json.dumps(memory)
    place.run(fails=False)
    place.tick()
    assert web.titles == ["test: extract_shop failed", "test: over: extract_shop failed"]


def test_the_same_trouble_is_told_once_and_its_end_once(place: Place, web: Hook) -> None:
    for _ in range(3):
        place.run(fails=True)
        place.tick()
    place.run(fails=False)
    place.tick()
    place.tick()
    assert web.titles == ["test: extract_shop failed", "test: over: extract_shop failed"]


def test_what_failed_before_the_notifier_was_first_switched_on_is_not_told(place: Place, web: Hook) -> None:
    place.run(fails=True)
    place.cursor = None
    place.tick()
    assert web.titles == []


def test_a_day_that_failed_is_not_over_when_another_day_succeeds(place: Place, web: Hook) -> None:
    place.run(fails=True, day="2026-01-09")
    place.run(fails=False, day="2026-01-10")
    place.tick()
    place.tick()
    place.run(fails=False, day="2026-01-09")
    place.tick()
    assert web.titles == [
        "test: extract_shop, 2026-01-09 to 2026-01-09 failed",
        "test: over: extract_shop, 2026-01-09 to 2026-01-09 failed",
    ]


def test_the_next_run_of_a_schedule_makes_up_for_the_one_that_failed(place: Place, web: Hook) -> None:
    schedule = {"dagster/schedule_name": "batch_shop"}
    place.run(fails=True, day="2026-01-09", tags=schedule)
    place.tick()
    place.run(fails=False, day="2026-01-12", tags=schedule)
    place.tick()
    assert web.titles[0] == "test: extract_shop failed"
    assert "Over: extract_shop failed" in web.posts[1]["message"]


def test_a_run_that_dagster_will_retry_is_not_told(place: Place, web: Hook) -> None:
    place.run(fails=True, tags={"dagster/will_retry": "true"})
    place.tick()
    assert web.titles == []


def test_the_first_success_of_a_scheduled_job_is_told_once_a_day(place: Place, web: Hook) -> None:
    for _ in range(3):
        place.run(fails=False, tags={"dagster/schedule_name": "batch_shop"})
        place.tick()
    assert web.titles == ["test: extract_shop succeeded"]
    assert web.posts[0]["type"] == "success"


def test_a_failed_check_is_told_with_what_it_found_until_it_passes(place: Place, web: Hook) -> None:
    place.check(failed())
    place.tick()
    place.check(failed())
    place.tick()
    place.check(passed())
    place.tick()
    title = "bronze/orders: check complete failed"
    assert web.titles == [f"test: {title}", f"test: over: {title}"]
    assert "missing: 7" in web.posts[0]["message"]
    assert "a@b.example" not in web.posts[0]["message"]


def test_warnings_and_checks_that_could_not_be_evaluated_are_counted_and_told_beside_what_is_worse(
    place: Place, web: Hook
) -> None:
    for result in (failed(dg.AssetCheckSeverity.WARN), not_evaluated("the table is empty")):
        place.check(result)
        place.tick()
        assert web.titles == []
        assert "1 warnings: bronze/orders: complete" in place.said
    place.run(fails=True)
    place.tick()
    assert "1 warnings: bronze/orders: complete" in web.posts[0]["message"]


def test_a_check_that_cannot_be_evaluated_does_not_end_its_trouble(place: Place, web: Hook) -> None:
    for result in (failed(), not_evaluated("the broker is away"), failed()):
        place.check(result)
        place.tick()
    assert web.titles == ["test: bronze/orders: check complete failed"]


def test_a_stream_that_falls_behind_is_told_at_every_step(place: Place, web: Hook) -> None:
    for tier in ("behind", "behind", "far behind"):
        place.check(dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, metadata={TIER: tier}))
        place.tick()
    place.check(dg.AssetCheckResult(passed=True, metadata={TIER: "ok"}))
    place.tick()
    assert web.titles == [
        "test: bronze/orders is behind",
        "test: bronze/orders is far behind",
        "test: over: bronze/orders is far behind",
    ]


def test_what_asks_for_nothing_to_be_done_is_told_once_to_those_who_want_it(place: Place, web: Hook) -> None:
    for said in ("0 from a to b", "0 from b to a"):
        place.instance.report_runless_asset_event(dg.AssetMaterialization(ORDERS, description=said))
    place.tick()
    assert web.titles == [], "by default nobody is"
    place.told_of = [ORDERS]
    for _ in range(2):
        place.tick()
    [told] = [str(post["message"]) for post in web.posts]
    assert [line for line in told.splitlines() if " from " in line] == ["0 from a to b", "0 from b to a"]
    assert place.said == "0 troubles stand."
    place.instance.report_runless_asset_event(dg.AssetMaterialization(ORDERS, description="0 from a to c"))
    place.tick()
    assert "0 from a to c" in web.posts[1]["message"]
    assert "from b" not in web.posts[1]["message"]


def test_an_asset_that_goes_stale_is_told_until_it_is_fresh(place: Place, web: Hook) -> None:
    for state in ("FAIL", "PASS"):
        place.freshness(state)
        place.tick()
    assert web.titles == ["test: bronze/orders is stale", "test: over: bronze/orders is stale"]


def test_what_could_not_be_delivered_is_told_later_and_to_nobody_twice(place: Place, box: Mailbox, web: Hook) -> None:
    web.status, box.takes = 500, True
    place.run(fails=True)
    place.tick()
    assert (len(box.subjects), len(web.posts)) == (1, 0)
    assert "Not delivered, to be told again: 2-" in place.said
    web.status = 200
    place.tick()
    place.tick()
    assert box.subjects == web.titles == ["test: extract_shop failed"]


def test_the_memory_of_what_was_told_is_in_the_cursor_alone_whoever_opens_the_instance(
    state: Path, box: Mailbox, web: Hook
) -> None:
    cursor = None
    for step in ("begin", "fail", "fail", "mend", "rest"):
        with dg.DagsterInstance.from_config(str(ROOT)) as instance:
            place = Place(instance, f"{box.address} {web.address}", cursor=cursor)
            if step in {"fail", "mend"}:
                place.run(fails=step == "fail")
            place.tick()
            cursor = place.cursor
    assert box.subjects == web.titles == ["test: extract_shop failed", "test: over: extract_shop failed"]


def test_several_troubles_come_in_one_message(place: Place, web: Hook) -> None:
    place.run(fails=True)
    place.check(failed())
    place.tick()
    assert web.titles == ["test: extract_shop failed, and 1 more"]
    assert "bronze/orders: check complete failed" in web.posts[0]["message"]


def test_by_default_the_log_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with dg.DagsterInstance.ephemeral() as instance, caplog.at_level(logging.INFO, "notifier"):
        place = Place(instance, "")
        place.tick()
        place.run(fails=True)
        place.tick()
    told = [record for record in caplog.records if record.name == "notifier"]
    assert [record.levelname for record in told] == ["WARNING"]
    assert told[0].getMessage().startswith("test: extract_shop failed\n")


def test_no_address_stands_in_a_log_a_cursor_or_an_error(
    place: Place, web: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    web.status = 500
    with caplog.at_level(logging.DEBUG):
        place.run(fails=True)
        place.tick()
        with pytest.raises(NotifyRefused, match="Entry 3 of DATAENG_NOTIFY") as refused:
            Outside(f"nonsense-{SECRET}", 3)
    assert "extract_shop failed" in caplog.text
    assert SECRET not in caplog.text + str(place.cursor) + place.said + str(refused.value)


def test_an_entry_that_is_no_address_leaves_the_others_alone(web: Hook) -> None:
    found, refused = channels(f"nonsense {web.address}", logging.getLogger("notifier"))
    assert [channel.name.split("-")[0] for channel in found] == ["log", "2"]
    assert len(refused) == 1


def test_a_cursor_of_another_format_starts_anew(place: Place, web: Hook) -> None:
    place.cursor = json.dumps({"format": 0})
    place.tick()
    assert web.titles == []
