"""What was found in one table's part of an ODCS document so far: its rules, and what is not executed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dataeng_assets.contracts.checks.as_mapping import CheckRefused
from dataeng_assets.contracts.checks.conditions import SqlRefused, columns_in
from dataeng_assets.contracts.checks.consistent import contradictions, named_columns, refuse_contradiction
from dataeng_assets.contracts.checks.kinds import Check, Holds
from dataeng_assets.contracts.checks.naming import derived_name, plain_name, unique_name
from dataeng_assets.contracts.checks.rule import NONE, Bounds, NotExecuted, Rule, Severity, SuiteColumn
from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.errors import ContractError, did_you_mean
from dataeng_assets.contracts.plain import Place, shortened


@dataclass(frozen=True)
class Aside:
    """What an entry says beside its check.

    Attributes:
        name: as the document gives it; empty when it gives none.
        column: of which the entry speaks, for the name of a rule that names none.
    """

    name: str = ""
    bounds: Bounds = NONE
    severity: Severity = Severity.ERROR
    where: str = ""
    dimension: str = ""
    description: str = ""
    column: str = ""


@dataclass
class Findings:
    """Rules and what is not executed, in the order in which they were found."""

    document: Document
    columns: Mapping[str, SuiteColumn]
    not_executed: list[NotExecuted] = field(default_factory=list)
    _found: list[tuple[Place, Rule, str]] = field(default_factory=list)
    _given: dict[str, Place] = field(default_factory=dict)

    def demand(self, at: Place, check: Check, aside: Aside = Aside()) -> None:
        """Take up a rule; the same one a second time is one, unless it has a name of its own.

        Raises:
            ContractError: it contradicts itself, names a column that there is not, or has another rule's name.
        """
        self.refuse_unknown(at, check, aside.where)
        try:
            refuse_contradiction(check)
        except CheckRefused as refused:
            raise self.document.error(at, refused.found, refused.allowed) from None
        rule = Rule(
            check, self._given_name(at, aside), aside.bounds, aside.severity, aside.where, aside.dimension,
            aside.description, self.document.at(at),
        )  # fmt: skip
        for position, (place, other, column) in enumerate(self._found):
            same = replace(rule, name="", dimension=other.dimension, description=other.description)
            if not rule.name and same == replace(other, name=""):
                told = replace(
                    other,
                    dimension=other.dimension or rule.dimension,
                    description=other.description or rule.description,
                )
                self._found[position] = (place, told, column)
                return
        self._found.append((at, rule, aside.column))

    def leave(self, at: Place, said: object, reason: str) -> None:
        """Take up something that the document says and that is not executed."""
        self.not_executed.append(NotExecuted(self.document.at(at), shortened(said), reason))

    def rules(self) -> tuple[Rule, ...]:
        """The rules with their names.

        Raises:
            ContractError: two of them contradict each other.
        """
        named = tuple(self._named())
        places = {rule.name: place for (place, _, _), rule in zip(self._found, named, strict=True)}
        for rule, why in contradictions(named):
            raise self.document.error(places[rule.name], why, "rules of one column that a value can keep together")
        return named

    def refuse_unknown(self, at: Place, check: Check, where: str) -> None:
        """Raise for a condition that does not parse, and for columns that there are not when columns are known.

        Raises:
            ContractError: names the column, or says what the condition lacks.
        """
        try:
            said = columns_in(where) if where else frozenset[str]()
            inside = columns_in(check.condition) if isinstance(check, Holds) else frozenset[str]()
        except SqlRefused as refused:
            raise self.document.error(at, where or str(check), f"a condition in DuckDB's SQL; {refused}") from None
        if not self.columns:
            return
        known = list(self.columns)
        anyhow = {name.lower() for name in known}
        missing = [name for name in sorted(said | inside) if name.lower() not in anyhow and not name.startswith("_")]
        if not isinstance(check, Holds):
            missing += [name for name in named_columns(check) if name not in self.columns]
        if missing:
            raise self.no_column(at, missing[0])

    def no_column(self, at: Place, name: str) -> ContractError:
        """The error for a column that there is not."""
        known = list(self.columns)
        return self.document.error(at, name, f"one of its columns: {', '.join(known)}{did_you_mean(name, known)}")

    def _given_name(self, at: Place, aside: Aside) -> str:
        if not aside.name:
            return ""
        name = plain_name(aside.name)
        other = self._given.get(name)
        if other is not None and other[:-1] == at[:-1]:
            raise self.document.error(
                at, f"the name {aside.name} a second time", f"a name of its own; {self.document.at(other)} has this one"
            )
        if other is not None and aside.column:
            name = plain_name(f"{name}__{aside.column}")
        if name in self._given:
            raise self.document.error(
                at,
                f"the name {aside.name} a second time",
                f"a name of its own; {self.document.at(self._given[name])} has this one",
            )
        self._given[name] = at
        return name

    def _named(self) -> Iterator[Rule]:
        taken = set(self._given)
        names: dict[int, str] = {}
        # those that stand in the column's own words first: a new entry below `quality` renames none of them
        for position in sorted(range(len(self._found)), key=lambda one: "quality" in self._found[one][0]):
            _, rule, column = self._found[position]
            names[position] = rule.name or unique_name(derived_name(rule.check, column), rule.check, taken)
            taken.add(names[position])
        for position, (_, rule, _) in enumerate(self._found):
            yield replace(rule, name=names[position])
