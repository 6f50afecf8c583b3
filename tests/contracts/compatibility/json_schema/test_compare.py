"""What is said of two versions of a JSON Schema."""

import pytest

from dataeng_assets.contracts.compatibility.json_schema.compare import compare_json_schemas
from dataeng_assets.contracts.compatibility.json_schema.document import SchemaRefused


def test_a_schema_equals_itself():
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert compare_json_schemas(schema, schema) == ()


@pytest.mark.parametrize("schema", [[], "x", 3, None])
def test_what_is_no_schema_is_refused(schema):
    with pytest.raises(SchemaRefused, match="no schema"):
        compare_json_schemas(True, schema)
