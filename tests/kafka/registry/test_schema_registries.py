"""What every registry does alike: files in the repository, and a real server."""

import json
from uuid import uuid4

import pytest

from dataeng_assets.contracts.compatibility.verdict import Mode
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.kafka.registry.errors import RegistryRefused, SchemaIncompatible, SchemaUnknown
from dataeng_assets.kafka.registry.references import used_by
from dataeng_assets.kafka.registry.register import check, register
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Reference, Schema, SchemaStore

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def avro(*fields: dict[str, object], name: str = "shop.Order") -> Schema:
    return Schema(Kind.AVRO, json.dumps({"type": "record", "name": name, "fields": fields}))


ID = {"name": "id", "type": "long"}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
AMOUNT = {"name": "amount", "type": "double"}


def proto(body: str, *, uses: tuple[Reference, ...] = ()) -> Schema:
    imports = "".join(f'import "{one.name}"; ' for one in uses)
    return Schema(Kind.PROTOBUF, f'syntax = "proto3"; package shop; {imports}{body}', uses)


def test_what_is_registered_is_found_by_its_number_and_by_its_version(registry: SchemaStore, subject: str) -> None:
    first = register(registry, subject, avro(ID))
    second = register(registry, subject, avro(ID, NOTE))
    assert first.id != second.id
    assert registry.by_id(first.id) == registry.version(subject, 1) == first
    assert registry.by_id(second.id) == registry.version(subject, 2) == second
    assert registry.versions(subject) == (1, 2)
    assert subject in registry.subjects()


def test_a_schema_that_is_there_keeps_its_number_and_makes_no_version(registry: SchemaStore, subject: str) -> None:
    first = register(registry, subject, avro(ID, AMOUNT))
    register(registry, subject, avro(ID))
    assert register(registry, subject, avro(ID, AMOUNT)) == first, "it needs no check: it is used already"
    assert registry.versions(subject) == (1, 2)


def test_a_breaking_change_is_refused_by_name_and_nothing_is_registered(registry: SchemaStore, subject: str) -> None:
    register(registry, subject, avro(ID))
    with pytest.raises(SchemaIncompatible) as refused:
        register(registry, subject, avro(ID, AMOUNT))
    assert refused.value.mode is Mode.BACKWARD
    assert "amount" in str(refused.value)
    assert subject in str(refused.value)
    assert registry.versions(subject) == (1,)


def test_only_who_asks_for_it_may_break_the_promise(registry: SchemaStore, subject: str) -> None:
    register(registry, subject, avro(ID))
    register(registry, subject, avro(ID, AMOUNT), compatibility=Compatibility.NONE)
    assert registry.versions(subject) == (1, 2)


def test_a_transitive_promise_is_kept_towards_every_version(registry: SchemaStore, subject: str) -> None:
    register(registry, subject, avro(ID, {"name": "note", "type": "string"}))
    register(registry, subject, avro(ID))
    back = avro(ID, {"name": "note", "type": "int", "default": 0})
    assert check(registry, subject, back).compatible
    assert not check(registry, subject, back, compatibility=Compatibility.BACKWARD_TRANSITIVE).compatible


def test_what_cannot_be_read_is_not_registered_however_little_is_promised(registry: SchemaStore, subject: str) -> None:
    for broken in (Schema(Kind.AVRO, "{"), Schema(Kind.AVRO, '{"type": "record"}'), Schema(Kind.PROTOBUF, "nonsense")):
        with pytest.raises(ContractError):
            register(registry, subject, broken, compatibility=Compatibility.NONE)
    assert registry.versions(subject) == ()


def test_an_import_is_followed_when_protobuf_is_compared_and_registered(registry: SchemaStore, subject: str) -> None:
    money = register(registry, f"{subject}-money", proto("message Money { int64 cents = 1; }"))
    uses = (Reference("shop/money.proto", f"{subject}-money", 1),)
    first = register(registry, subject, proto("message Order { Money total = 1; }", uses=uses))
    assert registry.by_id(first.id).references == uses
    assert used_by(registry, first.schema) == {"shop/money.proto": money}
    with pytest.raises(SchemaIncompatible, match="total"):
        register(registry, subject, proto("message Order { string total = 1; }"))


def test_a_change_inside_a_type_that_is_used_is_seen(registry: SchemaStore, subject: str) -> None:
    money = f"{subject}-money"
    register(registry, money, avro({"name": "cents", "type": "long"}, name="shop.Money"))
    changed = avro({"name": "cents", "type": "string"}, name="shop.Money")
    register(registry, money, changed, compatibility=Compatibility.NONE)

    def order(version: int) -> Schema:
        fields = avro({"name": "total", "type": "shop.Money"}, {"name": "paid", "type": ["null", "Money"]})
        return Schema(Kind.AVRO, fields.text, (Reference("shop.Money", money, version),))

    register(registry, subject, order(1))
    with pytest.raises(SchemaIncompatible, match="cents"):
        register(registry, subject, order(2))


def test_a_change_inside_a_json_schema_that_is_used_is_seen(registry: SchemaStore, subject: str) -> None:
    money = f"{subject}-money"

    def amount(kind: str) -> Schema:
        inner = {"$ref": "#/definitions/amount"}
        described = {"type": "object", "properties": {"cents": inner}, "definitions": {"amount": {"type": kind}}}
        return Schema(Kind.JSON, json.dumps({"$schema": DRAFT_7, **described}))

    register(registry, money, amount("integer"))
    register(registry, money, amount("string"), compatibility=Compatibility.NONE)

    def order(version: int) -> Schema:
        described = {"type": "object", "properties": {"total": {"$ref": "money.json"}}}
        text = json.dumps({"$schema": DRAFT_7, **described})
        return Schema(Kind.JSON, text, (Reference("money.json", money, version),))

    register(registry, subject, order(1))
    assert check(registry, subject, order(1)).compatible
    with pytest.raises(SchemaIncompatible, match="amount"):
        register(registry, subject, order(2))


def test_a_reference_that_leads_nowhere_or_out_of_its_folder_is_refused(registry: SchemaStore, subject: str) -> None:
    nowhere = Reference("shop/money.proto", f"{subject}-money", 1)
    with pytest.raises(SchemaUnknown):
        register(registry, subject, proto("message Order { Money total = 1; }", uses=(nowhere,)))
    for name in ("../../etc/hosts", "/etc/hosts", ""):
        with pytest.raises(RegistryRefused):
            register(registry, subject, proto("message Order {}", uses=(Reference(name, f"{subject}-money", 1),)))
    assert registry.versions(subject) == ()


def test_what_nobody_registered_is_unknown(registry: SchemaStore, subject: str) -> None:
    register(registry, subject, avro(ID))
    for asked in (
        lambda: registry.by_id(2**31 - 1),
        lambda: registry.version(subject, 2),
        lambda: registry.by_id(uuid4()),
    ):
        with pytest.raises(SchemaUnknown):
            asked()
    assert registry.versions(f"{subject}-no") == ()
