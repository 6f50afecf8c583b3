"""AWS Glue's registry without a network: botocore checks each question and answer against Amazon's own description."""

import sys
from collections.abc import Iterator
from uuid import UUID

import pytest
from botocore.stub import Stubber

from dataeng_assets.kafka.registry.errors import (
    InsecureRegistry,
    RegistryRefused,
    RegistryUnreachable,
    SchemaIncompatible,
    SchemaUnknown,
)
from dataeng_assets.kafka.registry.glue import GlueRegistry
from dataeng_assets.kafka.registry.opened import registry_at
from dataeng_assets.kafka.registry.register import register
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Reference, RegisteredSchema, Schema

NUMBER = UUID("b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63")
ORDERS = {"RegistryName": "shop", "SchemaName": "orders"}
VERSION = {"SchemaVersionId": str(NUMBER), "SchemaDefinition": '"int"', "DataFormat": "AVRO", "Status": "AVAILABLE"}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "s3cret", "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.fixture
def registry() -> GlueRegistry:
    return GlueRegistry("eu-central-1", "shop")


@pytest.fixture
def glue(registry: GlueRegistry) -> Iterator[Stubber]:
    with Stubber(registry._client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_subjects_and_versions_are_listed_page_by_page(registry: GlueRegistry, glue: Stubber) -> None:
    shop = {"RegistryId": {"RegistryName": "shop"}}
    glue.add_response("list_schemas", {"Schemas": [{"SchemaName": "orders"}], "NextToken": "more"}, shop)
    glue.add_response("list_schemas", {"Schemas": [{"SchemaName": "a"}]}, {**shop, "NextToken": "more"})
    assert registry.subjects() == ("a", "orders")
    listed = [{"VersionNumber": n, "Status": s} for n, s in ((3, "AVAILABLE"), (2, "FAILURE"), (1, "AVAILABLE"))]
    glue.add_response("list_schema_versions", {"Schemas": listed}, {"SchemaId": ORDERS})
    assert registry.versions("orders") == (1, 3), "what AWS would not have is no version"


def test_a_schema_is_asked_for_once(registry: GlueRegistry, glue: Stubber) -> None:
    glue.add_response("get_schema_version", VERSION, {"SchemaVersionId": str(NUMBER)})
    assert registry.by_id(NUMBER) is registry.by_id(NUMBER)
    assert registry.by_id(NUMBER) == RegisteredSchema(NUMBER, Kind.AVRO, '"int"')


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("BACKWARD_ALL", "BACKWARD_TRANSITIVE"),
        ("FULL", "FULL"),
        ("FORWARD_ALL", "FORWARD_TRANSITIVE"),
        ("NONE", "NONE"),
    ],
)
def test_amazons_words_for_a_promise_are_ours(registry: GlueRegistry, glue: Stubber, said: str, means: str) -> None:
    glue.add_response("get_schema", {"Compatibility": said}, {"SchemaId": ORDERS})
    assert registry.compatibility("orders") is Compatibility(means)


def test_a_breaking_change_is_refused_before_amazon_is_told(registry: GlueRegistry, glue: Stubber) -> None:
    listed = {"Schemas": [{"VersionNumber": 1, "Status": "AVAILABLE"}]}
    glue.add_response("list_schema_versions", listed)
    glue.add_response("get_schema_version", VERSION, {"SchemaId": ORDERS, "SchemaVersionNumber": {"VersionNumber": 1}})
    glue.add_response("list_schema_versions", listed)
    glue.add_response("get_schema", {"Compatibility": "BACKWARD"})
    with pytest.raises(SchemaIncompatible):
        register(registry, "orders", Schema(Kind.AVRO, '"boolean"'))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("EntityNotFoundException", SchemaUnknown),
        ("ThrottlingException", RegistryUnreachable),
        ("InternalServiceException", RegistryUnreachable),
        ("AccessDeniedException", RegistryRefused),
        ("InvalidInputException", RegistryRefused),
    ],
)
def test_what_amazon_refuses_has_a_name(
    registry: GlueRegistry, glue: Stubber, code: str, error: type[Exception]
) -> None:
    glue.add_client_error("get_schema_version", code, "because")
    with pytest.raises(error) as refused:
        registry.by_id(NUMBER)
    assert "glue://eu-central-1/shop" in str(refused.value)
    assert "s3cret" not in f"{refused.value}{registry!r}"


def test_what_glue_cannot_have_is_refused_without_asking(registry: GlueRegistry, glue: Stubber) -> None:
    with pytest.raises(RegistryRefused, match="no references"):
        registry.add("orders", Schema(Kind.AVRO, '"int"', (Reference("a", "b", 1),)))
    with pytest.raises(SchemaUnknown, match="UUIDs"):
        registry.by_id(7)


def test_a_schema_that_takes_no_versions_is_named(registry: GlueRegistry, glue: Stubber) -> None:
    glue.add_response("get_schema", {"Compatibility": "DISABLED"})
    with pytest.raises(RegistryRefused, match="DISABLED"):
        registry.compatibility("orders")


def test_without_the_extra_it_is_said_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(RegistryRefused, match="extra `aws`"):
        registry_at("glue://eu-central-1/shop")


def test_another_end_point_without_encryption_is_for_the_local_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", "http://127.0.0.1:1")
    assert repr(registry_at("glue://eu-central-1/shop")) == "GlueRegistry('glue://eu-central-1/shop')"
    monkeypatch.setenv("DATAENG_ENV", "prod")
    with pytest.raises(InsecureRegistry, match="AWS_ENDPOINT_URL_GLUE"):
        registry_at("glue://eu-central-1/shop")
