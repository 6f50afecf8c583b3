"""A compatible verdict is never refuted: documents valid under one schema are made and validated under the other.

The validator is another than ours: the `jsonschema` library. Schemas are random, over all keywords of all drafts, and
the second is a random edit of the first.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st
from made_documents import Documents, anything
from made_schemas import URIS, edited, made_schema

from dataeng_assets.contracts.compatibility.json_schema.compare import Reading, compare_json_schemas
from dataeng_assets.contracts.compatibility.json_schema.document import SchemaRefused
from dataeng_assets.contracts.compatibility.verdict import Breaks

VALIDATORS = {
    4: jsonschema.Draft4Validator,
    6: jsonschema.Draft6Validator,
    7: jsonschema.Draft7Validator,
    2019: jsonschema.Draft201909Validator,
    2020: jsonschema.Draft202012Validator,
}


def valid_documents(r: Random, schema: Any, draft: int, reading: Reading) -> list[Any]:
    """Documents that are valid; read leniently, such that hold only declared properties."""
    lenient = reading is Reading.LENIENT
    documents = Documents(r, schema, declared_only=lenient)
    made = [documents.made() for _ in range(10)]
    made += [documents.near(one) for one in made] + [anything(r) for _ in range(0 if lenient else 8)]
    validator = VALIDATORS[draft](schema)
    return [one for one in made if validator.is_valid(one)]


def judged(r: Random, reading: Reading) -> Iterator[str]:
    """Compare two schemas, and try both directions on documents; what became of each."""
    draft = r.choice(list(URIS))
    old = made_schema(r, draft)
    new = edited(r, old, draft)
    changes = compare_json_schemas(old, new, reading=reading)
    for breaks, source, target in ((Breaks.BACKWARD, old, new), (Breaks.FORWARD, new, old)):
        documents = valid_documents(r, source, draft, reading)
        validator = VALIDATORS[draft](target)
        refuted = [one for one in documents if not validator.is_valid(one)]
        if any(breaks in change.breaks for change in changes):
            yield "breaks, and a document shows it" if refuted else "breaks"
        else:
            assert not refuted, f"{breaks} was called compatible\n{old}\n{new}\nbut {refuted[0]} refutes it"
            yield "compatible, tried on documents" if documents and old != new else "compatible"


@given(st.randoms(use_true_random=False), st.sampled_from(list(Reading)))
def test_a_compatible_verdict_is_never_refuted_by_a_document(r, reading):
    try:
        for outcome in judged(r, reading):
            event(outcome)
    except SchemaRefused as endless:
        assert "never ends" in str(endless)  # noqa: PT017  # a random reference may lead back to itself
        assume(False)


@pytest.mark.parametrize("reading", list(Reading))
def test_over_many_seeds_each_outcome_occurs_often_so_that_the_verdicts_are_worth_something(reading):
    outcomes: Counter[str] = Counter()
    for seed in range(250):
        try:
            outcomes.update(judged(Random(seed), reading))
        except SchemaRefused as endless:
            assert "never ends" in str(endless)  # noqa: PT017
    assert outcomes["compatible, tried on documents"] > 160
    assert outcomes["breaks, and a document shows it"] > 30
    assert outcomes["breaks"] < outcomes["breaks, and a document shows it"]
