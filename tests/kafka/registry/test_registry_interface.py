"""The words of the registries, and what a refusal says."""

from dataeng_assets.contracts.compatibility.verdict import Breaks, Change, Mode
from dataeng_assets.kafka.registry.errors import RegistryUnreachable, SchemaIncompatible, SchemaUnknown
from dataeng_assets.kafka.registry.schemas import Compatibility


def test_every_mode_of_the_checker_can_be_promised_and_nothing_else_than_none() -> None:
    promised = {level.mode for level in Compatibility}
    assert promised == {*Mode, None}


def test_only_a_registry_that_does_not_answer_is_asked_again() -> None:
    assert RegistryUnreachable.retryable
    assert not SchemaUnknown.retryable
    assert not SchemaIncompatible.retryable


def test_a_refusal_names_the_subject_the_promise_and_each_finding() -> None:
    change = Change("field_removed", "Order.amount", "It is gone.", frozenset(Breaks), "Keep it.")
    refused = SchemaIncompatible("orders-value", Mode.FULL, [change])
    assert refused.findings == (change,)
    assert all(
        word in str(refused) for word in ("orders-value", "FULL", "Order.amount", "It is gone.\n    safe way: Keep it.")
    )
