"""A real stream whose contract changes: what its tables take up, and what stops it by name with nothing lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from stream_kit import COLUMNS, START, Sent, Topic, column, contract, event

from dataeng_assets.contracts.model import Column
from dataeng_assets.lake.strict import SchemaDiffers
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify

pytestmark = pytest.mark.server

AMOUNT = column("amount", "bigint")


def with_columns(events: Stream, *more: Column) -> Stream:
    return replace(events, contract=contract((*COLUMNS, *more)))


def run(events: Stream, topic: Topic) -> None:
    assert drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1)).caught_up


def amounts(events: Stream) -> dict[str, object]:
    rows = events.lake.open(events.main).to_pyarrow_dataset().to_table().to_pylist()
    return {row["event_id"]: row.get("amount", "no such column") for row in rows}


def test_a_stream_follows_its_contract_from_required_to_optional_and_stops_at_another_type(
    events: Stream, topic: Topic
) -> None:
    required = with_columns(events, AMOUNT)
    topic.make(1).send([Sent(0, event(1, START, amount=5), START), Sent(0, event(2, START), START)])
    run(required, topic)
    assert amounts(required) == {"e1": 5}, "an event without it is a dead letter"

    optional = with_columns(events, replace(AMOUNT, nullable=True), column("note", "string", nullable=True))
    topic.send([Sent(0, event(3, START), START), Sent(0, event(4, START, amount=6), START)])
    run(optional, topic)
    assert amounts(optional) == {"e1": 5, "e3": None, "e4": 6}

    topic.send([Sent(0, event(5, START, amount=7), START)])
    for retyped, told in (
        (with_columns(events, column("amount", "double", nullable=True)), "amount: found int64, expected double"),
        (with_columns(events, column("amount", "string", nullable=True)), "amount: found int64, expected string"),
        (with_columns(events), "amount: .*the contract has dropped it: keep it there"),
        (with_columns(optional, *optional.contract.columns[4:], column("new", "uuid")), "new: .*let it be empty"),
    ):
        with pytest.raises(SchemaDiffers, match=told):
            run(retyped, topic)
    assert amounts(optional) == {"e1": 5, "e3": None, "e4": 6}

    run(optional, topic)
    assert amounts(optional)["e5"] == 7, "what waited is read when the contract is right again"
    proof = verify(optional, topic.cluster)
    assert proof.holds
