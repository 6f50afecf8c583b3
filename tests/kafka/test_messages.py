"""Cutting what was consumed into partitions: no server is needed for that."""

import gc

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.kafka.messages import by_partition, copied, no_collections
from dataeng_assets.kafka.records import RECORDS


def records(partitions: list[int]) -> pa.Table:
    """One record for each, with the offsets that come next there."""
    offsets = [partitions[:at].count(partition) for at, partition in enumerate(partitions)]
    rows = {"partition": partitions, "offset": offsets, "value": [b"%d" % offset for offset in offsets]}
    nothing = {name: pa.nulls(len(partitions), RECORDS.field(name).type) for name in ("timestamp", "key", "headers")}
    return pa.table({**rows, **nothing}).select(RECORDS.names).cast(RECORDS)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 2, 80, 200])), min_size=1, max_size=8).map(
        lambda runs: [partition for partition, count in runs for _ in range(count)]
    )
)
def test_the_pieces_are_the_records_of_their_partition_in_order(partitions: list[int]) -> None:
    table, found = records(partitions), dict[int, list[pa.Table]]()
    for partition, piece in by_partition(table):
        assert set(piece["partition"].to_pylist()) == {partition}
        found.setdefault(partition, []).append(piece)
    in_order = [piece for partition in sorted(found) for piece in found[partition]]
    expected = table.sort_by([("partition", "ascending"), ("offset", "ascending")])
    assert pa.concat_tables(in_order).to_pylist() == expected.to_pylist()


def test_a_record_of_each_partition_in_turn_is_one_piece_of_each() -> None:
    assert [partition for partition, _ in by_partition(records([2, 0, 1] * 100))] == [0, 1, 2]


def test_a_copy_holds_no_memory_of_what_it_was_cut_from() -> None:
    table = records([0] * 10_000)
    before = pa.total_allocated_bytes()
    last = copied(table.slice(9_999))
    assert pa.total_allocated_bytes() - before < 10_000
    assert last.to_pylist() == table.slice(9_999).to_pylist()


@pytest.mark.parametrize("before", [True, False])
def test_collections_are_as_they_were_also_after_an_error(before: bool) -> None:
    was = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with pytest.raises(RuntimeError, match="off"), no_collections():
            raise RuntimeError("on" if gc.isenabled() else "off")
        assert gc.isenabled() is before
    finally:
        (gc.enable if was else gc.disable)()
