"""A document is read by what stands in it, not by what its file is called."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataeng_assets.contracts.convert.detect import form_of, read_suites
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.plain import Plain

DOCUMENTS: dict[str, dict[str, Any]] = {
    "simple contract": {"contract": "t", "schema": {"properties": {"a": {"type": "string"}}}},
    "Great Expectations": {"expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}}]},
    "dbt": {"version": 2, "models": [{"name": "t", "columns": [{"name": "a"}]}]},
    "JSON Schema": {"type": "object", "properties": {"a": {"type": "string"}}},
}


@pytest.mark.parametrize("form", DOCUMENTS)
@pytest.mark.parametrize("name", ["any.json", "any.yaml", "any"])
def test_each_form_is_told_by_its_words(tmp_path: Path, form: str, name: str):
    path = tmp_path / name
    document = DOCUMENTS[form]
    path.write_text(yaml.safe_dump(document) if name == "any.yaml" else json.dumps(document))
    assert form_of(Plain(path, document, {})).name == form
    (suite,) = read_suites(path)
    assert suite.rules


@pytest.mark.parametrize("document", [{}, {"hello": 1}, [], "text", 5])
def test_what_has_none_of_the_forms_is_refused_with_their_names(tmp_path: Path, document: Any):
    path = tmp_path / "other.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ContractError) as error:
        read_suites(path)
    for form in DOCUMENTS:
        assert form in error.value.allowed + str(error.value)
