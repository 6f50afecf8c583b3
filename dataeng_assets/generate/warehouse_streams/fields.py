"""A field of a JSON event in the SQL of each warehouse: its value, and why it does not keep the contract.

The event stands in the column `record` as the warehouse's own type for JSON, which keeps what was written: `"7"` or 7.
By that the type is judged, as a cast would take both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataeng_assets.contracts.model import Column
from dataeng_assets.generate.request import Destination
from dataeng_assets.generate.streaming.events import Event, Field
from dataeng_assets.generate.streaming.written import written_pattern
from dataeng_assets.generate.warehouse.naming import literal, quoted
from dataeng_assets.generate.warehouse.types import type_name

_WRITTEN_AS = {"bigint": "whole", "double": "number", "boolean": "boolean", "json": "any"}
"""How JSON writes a type; what is not named is a text, and a decimal is a number or a text."""


@dataclass(frozen=True)
class _Warehouse:
    """What a warehouse says of a field.

    Attributes:
        kind: its type as JSON, `{at}` standing for the field.
        kinds: what that gives for each way to write a value; a LIKE pattern each.
        text: its value as text.
        cast: a text in another type, NULL where it does not fit.
        matches: whether a text is of a form.
    """

    at: str
    kind: str
    kinds: Mapping[str, Sequence[str]]
    text: str
    cast: str
    matches: str


_WAREHOUSES = {
    Destination.SNOWFLAKE: _Warehouse(
        at="GET(record, {name})",
        kind="TYPEOF({at})",
        kinds={
            "text": ("VARCHAR",), "whole": ("INTEGER",), "number": ("INTEGER", "DECIMAL", "DOUBLE"),
            "boolean": ("BOOLEAN",), "missing": ("NULL_VALUE",),
        },
        text="{at}::VARCHAR",
        cast="TRY_CAST({text} AS {type})",
        matches="REGEXP_LIKE({text}, {form})",
    ),
    Destination.REDSHIFT: _Warehouse(
        at="e.record.{quoted}",
        kind="JSON_TYPEOF({at})",
        kinds={
            "text": ("string",), "whole": ("number",), "number": ("number",), "boolean": ("boolean",),
            "missing": ("null",),
        },
        text="{at}::VARCHAR(65535)",
        cast="TRY_CAST({text} AS {type})",
        matches="REGEXP_INSTR({text}, {form}, 1, 1, 0, 'p') > 0",
    ),
    Destination.DATABRICKS: _Warehouse(
        at="record:{quoted}",
        kind="schema_of_variant({at})",
        kinds={
            "text": ("STRING",), "whole": ("BIGINT",), "number": ("BIGINT", "DECIMAL%", "DOUBLE"),
            "boolean": ("BOOLEAN",), "missing": ("VOID",),
        },
        text="CAST({at} AS STRING)",
        cast="TRY_CAST({text} AS {type})",
        matches="{text} RLIKE {form}",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Judging:
    """Judges the fields of an event in one warehouse's SQL.

    Attributes:
        columns: of the contract, by name.
    """

    destination: Destination
    columns: Mapping[str, Column]

    def reason(self, event: Event) -> str:
        """`WHEN` branches that tell why an event does not keep the contract."""
        return "\n    ".join(branch for field in event.value_fields for branch in self._branches(field))

    def value(self, field: Field) -> str:
        """The value in its type; NULL where it is missing or does not fit."""
        if field.kind == "json":
            return self._at(field)
        text = self._warehouse.text.format(at=self._at(field))
        if field.kind in ("string", "uuid", "bytes"):
            return text
        kind = type_name(self.columns[field.name].type, self.destination)
        return self._warehouse.cast.format(text=text, type=kind)

    @property
    def _warehouse(self) -> _Warehouse:
        return _WAREHOUSES[self.destination]

    def _at(self, field: Field) -> str:
        name = self.destination.value
        # a field of JSON is found by its name as it is written, in small letters or not
        exact = quoted(field.name, name) if name == "databricks" else '"' + field.name.replace('"', '""') + '"'
        return self._warehouse.at.format(name=literal(field.name, name), quoted=exact)

    def _branches(self, field: Field) -> list[str]:
        missing = f"(COALESCE({self._kind(field)}, '{self._warehouse.kinds['missing'][0]}') = '{self._missing}')"
        branches = []
        if not field.nullable:
            branches.append(f"WHEN {missing} THEN {self._said(f'missing: {field.name}')}")
        if field.kind != "json":
            said = self._said(f"type: {field.name} is no {field.kind}")
            branches.append(f"WHEN NOT {missing} AND NOT ({self._fits(field)}) THEN {said}")
        if field.values:
            accepted = ", ".join(literal(one, self.destination.value) for one in field.values)
            said = self._said(f"values: {field.name} is none of the contract's")
            branches.append(f"WHEN NOT {missing} AND NOT ({self.value(field)} IN ({accepted})) THEN {said}")
        return branches

    @property
    def _missing(self) -> str:
        return self._warehouse.kinds["missing"][0]

    def _kind(self, field: Field) -> str:
        return self._warehouse.kind.format(at=self._at(field))

    def _fits(self, field: Field) -> str:
        written = _WRITTEN_AS.get(field.kind, "text")
        forms = [*self._warehouse.kinds["number" if field.kind.startswith("decimal") else written]]
        if field.kind.startswith("decimal"):
            forms += self._warehouse.kinds["text"]
        fits = "(" + " OR ".join(f"{self._kind(field)} LIKE '{form}'" for form in forms) + ")"
        if field.kind.split("(")[0] in ("uuid", "bigint", "timestamp", "date", "decimal"):
            text = self._warehouse.text.format(at=self._at(field))
            # what a cast would cut or round; no backslash, as one warehouse takes it and another does not
            form = written_pattern(field.kind).replace('"?', "").replace('"', "")
            form = f"^{form.replace(chr(92) + 'd', '[0-9]').replace(chr(92) + '.', '[.]')}$"
            fits += f" AND {self._warehouse.matches.format(text=text, form=literal(form, self.destination.value))}"
        if field.kind not in ("string", "uuid", "bytes"):
            fits += f" AND {self.value(field)} IS NOT NULL"
        return fits

    def _said(self, text: str) -> str:
        return literal(text, self.destination.value)
