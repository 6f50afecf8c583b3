"""The generated script for ksqlDB is the one that its grammar took, and sends each event one way only."""

import re

import duckdb
import pytest
from made_pipelines import differing, made, over_topic

from dataeng_assets.generate.ksqldb.fields import reason_sql
from dataeng_assets.generate.request import RequestRefused
from dataeng_assets.generate.streaming.events import Field


def script() -> str:
    generated = made(over_topic("ksqldb", destination="kafka"))
    return generated.files[generated.main]


def field(kind: str, *, nullable: bool = True, values: tuple[str, ...] = ()) -> Field:
    return Field("it's", kind, nullable, personal=False, description="", values=values)


def test_the_script_is_the_one_that_its_grammar_took() -> None:
    # the golden script was parsed with the rules of ksqlDB's own SqlBase.g4; let it pass again after a change
    assert not differing(made(over_topic("ksqldb", destination="kafka")), "ksqldb-kafka-kafka")


@pytest.mark.parametrize("verdict", [None, "valid", "missing: click_id", "type: user_id is no bigint"])
def test_each_event_is_valid_or_a_dead_letter_and_never_both(verdict: str | None) -> None:
    ways = re.findall(r"FROM `clicks_judged`\nWHERE (.+)\n", script())
    assert len(ways) == 2
    judged = "SELECT count(*) FROM (SELECT ?::VARCHAR AS _verdict) WHERE"
    with duckdb.connect() as connection:
        taken = [connection.execute(f"{judged} {way}", [verdict]).fetchall() for way in ways]
    # what could not be judged, because a function failed, is no valid event
    assert taken == ([[(1,)], [(0,)]] if verdict == "valid" else [[(0,)], [(1,)]])


@pytest.mark.parametrize(
    ("kind", "fits", "differs"),
    [
        ("string", ['"a"', '""'], ["7", '["a"]', "null"]),
        ("bigint", ["7", "-7"], ['"7"', "7.0", "true", "12345678901234567890"]),
        ("double", ["7", "7.5", "1E+3"], ['"7"', "true"]),
        ("boolean", ["true"], ['"true"', "1"]),
        ("decimal(5,2)", ["7", '"7.25"', "-123.45"], ["1234", "7.255", "1E+2"]),
        ("timestamp", ['"2026-03-01T12:00:00.5Z"'], ['"2026-03-01T12:00:00"', "1772366400"]),
        ("date", ['"2026-03-01"'], ['"2026-03-01T00:00:00Z"']),
        ("uuid", ['"00000000-0000-0000-0000-000000000001"'], ['"7"']),
        ("bytes", ['"aGk="'], ['"not base64"', "1"]),
    ],
)
def test_a_type_is_judged_by_what_was_written(kind: str, fits: list[str], differs: list[str]) -> None:
    pattern = re.findall(r"REGEXP_EXTRACT\('(\^.*?\$)', ", reason_sql(field(kind)))[0]
    assert all(re.search(pattern, text) for text in fits)
    assert not any(re.search(pattern, text) for text in differs)


def test_a_day_that_no_calendar_has_is_compared_with_what_was_read() -> None:
    for kind, function in (("timestamp", "FORMAT_TIMESTAMP(PARSE_TIMESTAMP("), ("date", "FORMAT_DATE(PARSE_DATE(")):
        assert function in reason_sql(field(kind))


def test_an_accepted_value_is_compared_as_json_writes_it() -> None:
    said = reason_sql(field("string", values=("it's", 'a "b"')))
    assert """IN ('"it''s"', '"a \\"b\\""')""" in said


def test_every_topic_of_the_script_is_made_with_the_partitions_of_its_source() -> None:
    generated = made(over_topic("ksqldb", destination="kafka"))
    files = {path.name: text for path, text in generated.files.items()}
    created = dict(re.findall(r"^create (\S+) (\d+)", files["create_topics.sh"], re.MULTILINE))
    named = set(re.findall(r"KAFKA_TOPIC = '(.+?)'", script()))
    assert named == set(created)
    assert len(set(created.values())) == 1


def test_the_grace_period_is_the_contracts_and_state_outlives_it() -> None:
    size, state, grace = map(int, re.findall(r"(?:SIZE|RETENTION|GRACE PERIOD) (\d+) SECONDS", script()))
    assert grace == 600
    assert state >= size + grace


def test_a_secret_is_a_reference_and_nothing_goes_in_the_clear() -> None:
    texts = "\n".join(made(over_topic("ksqldb", destination="kafka")).files.values())
    assert "PLAINTEXT" not in texts
    assert "exactly_once_v2" in texts
    for line in texts.splitlines():
        if re.search(r"password\s*=", line):
            assert 'password="${env:KAFKA_PASSWORD}"' in line


def test_other_destinations_are_refused_with_who_writes_them() -> None:
    with pytest.raises(RequestRefused, match="spark-streaming Delta and Postgres"):
        over_topic("ksqldb", destination="delta")
