"""From raw records to typed columns that keep every rule of the contract, or to all the reasons why not.

`decode` says what a record holds, the contract's rules whether it may. A record that cannot be read is judged by no
rule. What becomes of the broken ones is decided in `routing`, and by the contract's limit: here.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.setting_aside import broken_sql, refuse_too_many, setting_aside
from dataeng_assets.contracts.model import Contract
from dataeng_assets.streams.decode import DETAIL, REASON, Decoder
from dataeng_assets.streams.errors import RuleUndecided

RULE = "rule:"
"""Begins the reason of a record that was read and breaks a rule; the first one's name follows, `detail` has all."""
_RULES = "rules: "


class Validator:
    """Validates batches of one contract's records. Holds in-memory DuckDB connections; not for several threads."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._rules = setting_aside(contract)
        self._decoder = Decoder(contract.columns)
        self._connection = duckdb.connect(config={"threads": 2})
        self._connection.execute("SET TimeZone = 'UTC'")
        register_functions(self._connection)

    def __enter__(self) -> "Validator":
        return self

    def __exit__(self, *_: object) -> None:
        self._decoder.close()
        self._connection.close()

    def validate(self, values: "pa.ChunkedArray[Any]") -> pa.Table:
        """Type every record and judge those that can be read.

        Args:
            values: the records' values, binary, null for a record without one.

        Returns:
            As `Decoder.decode`; `reason` and `detail` also tell which rules are broken.

        Raises:
            RuleUndecided: a rule cannot be evaluated over a record.
        """
        decoded = self._decoder.decode(values)
        if not self._rules or not len(decoded):
            return decoded
        judged = self._judge(decoded)
        for name in (REASON, DETAIL):
            decoded = decoded.set_column(decoded.schema.get_field_index(name), name, judged[name])
        return decoded

    def _judge(self, decoded: pa.Table) -> pa.Table:
        numbered = decoded.append_column("__row", pa.array(range(len(decoded)), pa.int64()))
        self._connection.register("decoded", numbered)
        try:
            found: pa.Table = self._connection.sql(
                f"""
                SELECT
                  CASE WHEN len(broken) > 0 THEN '{RULE}' || broken[1] ELSE {REASON} END AS {REASON},
                  CASE WHEN len(broken) > 0 THEN '{_RULES}' || array_to_string(broken, ', ') ELSE {DETAIL} END
                    AS {DETAIL}
                FROM (
                  SELECT __row, {REASON}, {DETAIL},
                    CASE WHEN {REASON} IS NULL THEN {broken_sql(self._contract, self._rules)} END AS broken
                  FROM decoded
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
