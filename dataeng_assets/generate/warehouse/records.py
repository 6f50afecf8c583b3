"""The statements that load the records of one topic: into its table, or into its dead letters, each exactly once.

A record is known by its partition and offset, so a batch that is loaded again changes nothing. Tables are loaded by
`statements`, which gives all that is not particular to records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.types import event_type
from dataeng_assets.generate.pipeline import Table
from dataeng_assets.generate.request import Destination
from dataeng_assets.generate.warehouse.statements import Load

_PARTITION, _OFFSET, _REASON = "_kafka_partition", "_kafka_offset", "_reason"


def _column(name: str, kind: str, description: str, *, required: bool = False) -> Column:
    return Column(name, event_type(kind), kind, not required, False, description)


RESCUED = _column("_rescued", "string", "Fields that the contract does not name, as JSON.")
COORDINATES = (
    _column(_PARTITION, "bigint", "Partition of the record.", required=True),
    _column(_OFFSET, "bigint", "Offset of the record.", required=True),
    _column("_kafka_timestamp", "timestamp", "When the record was sent."),
)
DEAD = (
    _column(_REASON, "string", "Why it is none.", required=True),
    _column("_key", "bytes", "The record's key."),
    _column("_value", "bytes", "The record's value."),
)


@dataclass(frozen=True)
class RecordLoad:
    """Makes the statements for one topic.

    Attributes:
        schema: the schema or dataset in the destination.
    """

    table: Table
    schema: str
    destination: Destination

    def statements(self) -> Mapping[str, str]:
        """All of them, by name; `create`, `stage` and `merge` are several."""
        main, dead, staged = self._loads()
        shared = main.statements()
        taken = ("claim", "claimed", "position", "progress")
        return {
            **{name: shared[name] for name in taken},
            **{name: text for name, text in staged.statements().items() if name in ("stage", "load", "put", "staged")},
            "create": f"{main.create()};\n{dead.create_target()};\n",
            "doubled": staged.statements()["doubled"],
            "merge": f"{self._insert(main, 'IS NULL')};\n{self._insert(dead, 'IS NOT NULL')};\n",
            "differing": self._differing(main, dead),
        }

    def _loads(self) -> tuple[Load, Load, Load]:
        """For the topic's table, its dead letters, and what is staged of both."""
        contract = self.table.contract
        free = [replace(one, nullable=True) for one in (*contract.columns, RESCUED)]
        dead = [replace(one, nullable=True) for one in DEAD]
        return (
            self._load(self._landed(contract.name, (*contract.columns, RESCUED, *COORDINATES))),
            self._load(self._landed(dead_letters(contract.name), (*COORDINATES, *DEAD))),
            self._load(self._landed(contract.name, (*free, *COORDINATES, *dead))),
        )

    def _load(self, contract: Contract) -> Load:
        # a watermark of some kind, because a batch of records is never the whole table
        return Load(replace(self.table, contract=contract, watermark=_OFFSET), self.schema, self.destination)

    def _landed(self, name: str, columns: tuple[Column, ...]) -> Contract:
        return replace(self.table.contract, name=name, columns=columns, key=(_PARTITION, _OFFSET))

    def _insert(self, load: Load, condition: str) -> str:
        staged = self._loads()[2].staged
        return (
            f"INSERT INTO {load.target} ({load.columns()})\nSELECT {load.columns()} FROM {staged} AS s\n"
            f"WHERE s.{load.name(_REASON)} {condition} AND NOT EXISTS (\n"
            f"  SELECT 1 FROM {load.target} AS t WHERE {load.same_key('t', 's')}\n)"
        )

    def _differing(self, main: Load, dead: Load) -> str:
        """Records that are not where they belong as they were read, and those that are in too many places or none."""
        staged = self._loads()[2].staged
        offset = main.name(_OFFSET)
        oldest = f"{offset} >= (SELECT min({offset}) FROM {staged})"
        parts, held = [], []
        for load, condition in ((main, "IS NULL"), (dead, "IS NOT NULL")):
            read = f"SELECT {load.columns()} FROM {staged} WHERE {load.name(_REASON)} {condition}"
            stored = f"SELECT {load.columns()} FROM {load.target} WHERE {oldest}"
            parts.append(f"(SELECT count(*) FROM (\n  {read}\n  {load.minus()} {stored}\n) AS differing)")
            held.append(f"(SELECT count(*) FROM {load.target} AS t JOIN {staged} AS s ON {load.same_key('t', 's')})")
        return f"SELECT {' + '.join(parts)}\n  + abs({' + '.join(held)} - (SELECT count(*) FROM {staged}));\n"


def dead_letters(topic: str) -> str:
    """The table of a topic's dead letters."""
    return f"{topic}_dead_letters"
