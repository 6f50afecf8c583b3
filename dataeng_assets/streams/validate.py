"""From raw records to typed columns that keep every rule of the contract, or to all the reasons why not.

`decode` says what a record holds, the contract's rules whether it may. A record that cannot be read is judged by no
rule. What becomes of the broken ones is decided in `routing`, and by the contract's limit: here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.kinds import NotNull
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.setting_aside import breaks_sql, broken_sql, refuse_too_many, setting_aside
from dataeng_assets.contracts.model import Contract
from dataeng_assets.kafka.registry.schemas import SchemaRegistry
from dataeng_assets.streams.decode.decoder import DETAIL, REASON
from dataeng_assets.streams.decode.records import RecordDecoder
from dataeng_assets.streams.errors import RuleUndecided

RULE = "rule:"
"""Begins the reason of a record that was read and breaks a rule; the first one's name follows, `detail` has all."""
_RULES = "rules: "


class Validator:
    """Validates batches of one contract's records. Holds in-memory DuckDB connections; not for several threads."""

    def __init__(self, contract: Contract, registry: SchemaRegistry | None = None) -> None:
        self._contract = contract
        self._rules = tuple(rule for rule in setting_aside(contract) if not _is_kept_by_decoding(contract, rule))
        self._decoder = RecordDecoder(contract, registry)
        self._connection = duckdb.connect(config={"threads": 2})
        self._connection.execute("SET TimeZone = 'UTC'")
        register_functions(self._connection)

    def __enter__(self) -> "Validator":
        return self

    def __exit__(self, *_: object) -> None:
        self._decoder.close()
        self._connection.close()

    @property
    def new_schemas(self) -> Mapping[str, Sequence[int]]:
        """Schemas of a registry that the last batch named and none before it, with the rows that do."""
        return self._decoder.new_schemas

    def validate(self, records: pa.Table) -> pa.Table:
        """Type every record and judge those that can be read.

        Args:
            records: with their `key`, `value` and `timestamp`, null for a record without one.

        Returns:
            As `RecordDecoder.decode`; `reason` and `detail` also tell which rules are broken.

        Raises:
            RuleUndecided: a rule cannot be evaluated over a record.
            RegistryUnreachable: a record's schema could not be asked for; nothing is known of the record.
        """
        decoded = self._decoder.decode(records)
        if not self._rules or not len(decoded):
            return decoded
        judged = self._judge(decoded)
        rows: Any = pc.is_in(pa.array(np.arange(len(decoded)), pa.int64()), value_set=judged["__row"])
        for name in (REASON, DETAIL) if len(judged) else ():
            told = pc.replace_with_mask(decoded[name].combine_chunks(), rows, judged[name].combine_chunks())
            decoded = decoded.set_column(decoded.schema.get_field_index(name), name, told)
        return decoded

    def _judge(self, decoded: pa.Table) -> pa.Table:
        """The rows that break a rule, in order, and what is said of them."""
        numbered = decoded.append_column("__row", pa.array(np.arange(len(decoded)), pa.int64()))
        self._connection.register("decoded", numbered)
        try:
            found: pa.Table = self._connection.sql(
                f"""
                SELECT __row,
                  '{RULE}' || broken[1] AS {REASON},
                  '{_RULES}' || array_to_string(broken, ', ') AS {DETAIL}
                FROM (
                  SELECT __row, {broken_sql(self._contract, self._rules)} AS broken FROM decoded
                  WHERE CASE WHEN {REASON} IS NULL THEN {breaks_sql(self._contract, self._rules)} END
                ) ORDER BY __row
                """
            ).to_arrow_table()
        except duckdb.Error as error:
            raise RuleUndecided(
                f"A rule of {self._contract.path.name} that sets records aside could not be evaluated "
                f"({type(error).__name__}): it fails on a value, or names no column. Of the rules "
                f"{', '.join(rule.name for rule in self._rules)} correct the one with that condition, so that it says "
                "something of every record. Nothing of this batch was committed, and what was committed is safe."
            ) from None
        finally:
            self._connection.unregister("decoded")
        return found


def _is_kept_by_decoding(contract: Contract, rule: Rule) -> bool:
    """Whether every record that was read keeps a rule: one without a value that it must have is not read."""
    required = {column.name for column in contract.columns if not column.nullable}
    check = rule.check
    return isinstance(check, NotNull) and check.column in required and not check.also_missing and not rule.where


@dataclass(frozen=True)
class Broken:
    """Records that were read and break rules.

    Attributes:
        by_rule: how many break each; a record may break several.
    """

    records: int
    by_rule: Mapping[str, int]


def broken(validated: pa.Table) -> Broken:
    """What of a batch breaks rules."""
    details: list[Any] = validated.filter(pc.starts_with(validated[REASON], RULE))[DETAIL].to_pylist()
    by_rule: Counter[str] = Counter()
    for said, count in Counter(details).items():
        for name in said.removeprefix(_RULES).split(", "):
            by_rule[name] += count
    return Broken(len(details), by_rule)


def refuse_batch(contract: Contract, name: str, validated: pa.Table) -> None:
    """See whether so many records of a batch may be set aside for rules.

    Raises:
        TooManyBroken: more than the contract's limit.
    """
    if contract.quarantine is None:
        return
    found = broken(validated)
    refuse_too_many(
        name,
        found.records,
        len(validated),
        found.by_rule,
        contract.quarantine.limit,
        safe="Nothing of this batch was committed; the records stay in the topic, and what was committed is safe.",
        next_step=f"If the rules are wrong, correct them in {contract.path.name}; if so many may be broken, raise "
        "`limit` of its `quarantine`. The next run reads the batch again, with what came since.",
    )
