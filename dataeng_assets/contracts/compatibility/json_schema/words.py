"""How a difference is told: its kind, what changed, whom that harms and how, and the safe way to the same end."""

from dataclasses import dataclass

from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_TURNED = {
    "added": "removed",
    "increased": "decreased",
    "narrowed": "widened",
    "refused": "allowed",
    "property_added_to_open_model": "property_removed_from_open_model",
    "property_added_to_closed_model": "property_removed_from_closed_model",
    "property_added_not_covered": "property_removed_not_covered",
}
TURNED = _TURNED | {after: before for before, after in _TURNED.items()}

_STAY = "Keep accepting what the old schema accepts; put the stricter rule on a new property and move producers to it."
_READERS_FIRST = "Let every reader take the new schema before a producer writes what it newly allows."
_UNDECIDED = "Keep this part as it was and put the new rule on a new property, or prove the change on real documents."
_BESIDE = (
    "Add a new property of the new type beside the old one, move producers, then readers, and remove the old one last."
)
_OPEN = (
    "Close the schema with additionalProperties: false before its properties change, or, where producers write only "
    "what their schema declares, compare with the lenient reading."
)
MIGRATIONS = {
    "type_changed": _BESIDE,
    "property_added_to_open_model": _OPEN,
    "property_removed_from_open_model": _OPEN,
    "property_added_to_closed_model": "Move the readers to the new schema first, then the producers.",
    "property_removed_from_closed_model": "Keep the property, optional and deprecated, until no document holds it.",
    "required_property_added": "Keep it optional, let every producer fill it, then require it.",
    "required_property_removed": "Keep it required, or move the readers first, before a producer leaves it out.",
    "additional_properties_removed": "Declare the properties that are in use, then close the schema.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is valid under the source and not, or not provably, under the target.

    Attributes:
        kind: as in a `Change`.
        place: as in a `Change`.
        what: what changed from the old schema to the new.
        harm: what documents of the source do: "may hold numbers above 5".
    """

    kind: str
    place: str
    what: str
    harm: str


def turned(kind: str) -> str:
    """The kind of a difference as it is called when the old schema is the target: what was added was removed."""
    if kind in TURNED:
        return TURNED[kind]
    start, _, last = kind.rpartition("_")
    return f"{start}_{TURNED.get(last, last)}"


def changed(subject: str, old: str | None, new: str | None) -> str:
    """What changed, in words."""
    if old == new:
        return f"{subject} changed"
    if old is None:
        return f"{subject} is new: {new}" if new else f"{subject} is new"
    if new is None:
        return f"{subject} is gone: it was {old}" if old else f"{subject} is gone"
    return f"{subject} went from {old} to {new}"


def change(problems: dict[Breaks, Problem]) -> Change:
    """One change of what the two directions found at one place."""
    one = next(iter(problems.values()))
    sentences = [f"{one.what[:1].upper()}{one.what[1:]}."]
    for breaks, problem in problems.items():
        source, target = ("old", "new") if breaks is Breaks.BACKWARD else ("new", "old")
        if one.kind.startswith("undecided"):
            sentences.append(f"Whether the {target} schema accepts all that the {source} one does cannot be decided.")
        else:
            sentences.append(f"Documents of the {source} schema {problem.harm}; the {target} schema refuses that.")
    return Change(one.kind, one.place, " ".join(sentences), frozenset(problems), _migration(one.kind, set(problems)))


def _migration(kind: str, breaks: set[Breaks]) -> str:
    if kind.startswith("undecided"):
        return _UNDECIDED
    if kind in MIGRATIONS:
        return MIGRATIONS[kind]
    if len(breaks) > 1:
        return _BESIDE
    return _STAY if Breaks.BACKWARD in breaks else _READERS_FIRST


def listed(names: list[str], limit: int = 5) -> str:
    """A few of many, in words."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")
