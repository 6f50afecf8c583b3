"""The tables of a stream's savepoints and rewinds as assets, and telling Dagster what was added to them.

No run writes them: they stand in the graph as external assets whose events are what people and drains have written
down. Taking savepoints and going back belong in `streams.savepoints` and `streams.restore`.
"""

from collections.abc import Mapping, Sequence

import dagster as dg
import pyarrow as pa

from dataeng_assets.components.bronze_specs import bronze_spec
from dataeng_assets.components.noted_rows import Told, tell_of_rows
from dataeng_assets.contracts.model import Contract
from dataeng_assets.orchestration.preview import markdown
from dataeng_assets.streams.rewind import REWINDS_SCHEMA, Rewind, rewinds
from dataeng_assets.streams.savepoints import SAVEPOINTS_SCHEMA, Savepoint, kept_savepoints, savepoint_log
from dataeng_assets.streams.stream import Stream

_SHOWN = 20
_SAVEPOINT = ("savepoint_id", "taken_at", "kept_until", "offsets", "taken_by", "reason")
_REWIND = ("number", "kind", "to", "asked_at", "asked_by", "reason")


def state_specs(main: tuple[str, ...], topic: str, contract: Contract) -> list[dg.AssetSpec]:
    """The assets of the two tables, which are never late.

    Args:
        main: key of the stream's main table.
        topic: that it is drained from.
        contract: of the topic.
    """

    def spec(suffix: str, columns: pa.Schema, description: str) -> dg.AssetSpec:
        key = (*main[:-1], f"{main[-1]}{suffix}")
        return bronze_spec(
            key, contract, deps=[main], kinds={"deltalake"}, description=description, columns=columns, is_awaited=False
        )

    return [
        spec(
            "_savepoints", SAVEPOINTS_SCHEMA,
            f"States that the tables of {topic} can go back to. Written by `dataeng stream savepoint` and "
            "`drop-savepoint`, and by the first run under other rules.",
        ),
        spec(
            "_rewinds", REWINDS_SCHEMA,
            f"When the tables of {topic} went back to an earlier state, who asked for it and why. Written by `dataeng "
            "stream restore` and `reset`.",
        ),
    ]  # fmt: skip


def tell_of_states(instance: dg.DagsterInstance, stream: Stream) -> None:
    """Report what was added to both tables since the last report, as one materialization for each row."""
    kept = [_savepoint(one) for one in reversed(kept_savepoints(stream))]
    _tell(instance, stream, stream.savepoints, [_taken(one) for one in savepoint_log(stream)], kept, _SAVEPOINT)
    begun = rewinds(stream)
    _tell(instance, stream, stream.rewinds, [_asked(one) for one in begun], [_rewind(o) for o in begun[::-1]], _REWIND)


def _tell(
    instance: dg.DagsterInstance,
    stream: Stream,
    key: tuple[str, ...],
    sentences: Sequence[str],
    newest: Sequence[Mapping[str, object]],
    columns: Sequence[str],
) -> None:
    """Report the rows that are new, each by its sentence and with the list as it is now."""
    shown: Told = {"uri": stream.lake.at(key), "list": markdown(newest[:_SHOWN], columns)}
    tell_of_rows(instance, key, {number: (sentence, shown) for number, sentence in enumerate(sentences, 1)})


def _taken(one: Savepoint) -> str:
    if one.dropped_at:
        return f"{one.savepoint_id} was dropped by {one.dropped_by}"
    return f"{one.savepoint_id} was taken: {one.reason}"


def _asked(one: Rewind) -> str:
    return f"{one.kind} to {_target(one)}: {one.reason}"


def _target(one: Rewind) -> str:
    return one.savepoint_id or f"{one.since:%Y-%m-%d %H:%M:%S} UTC"


def _savepoint(one: Savepoint) -> dict[str, object]:
    offsets = f"{sum(one.next_offsets.values()):,}"
    return {
        "savepoint_id": one.savepoint_id,
        "taken_at": f"{one.taken_at:%Y-%m-%d %H:%M:%S}",
        "kept_until": f"{one.kept_until:%Y-%m-%d %H:%M}",
        "offsets": offsets,
        "taken_by": one.taken_by,
        "reason": one.reason,
    }


def _rewind(one: Rewind) -> dict[str, object]:
    return {
        "number": one.number,
        "kind": one.kind,
        "to": _target(one),
        "asked_at": f"{one.asked_at:%Y-%m-%d %H:%M:%S}",
        "asked_by": one.asked_by,
        "reason": one.reason,
    }
