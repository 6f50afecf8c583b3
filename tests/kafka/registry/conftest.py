"""The same schemas in each kind of registry that a test can have for itself."""

import uuid
from pathlib import Path

import pytest

from dataeng_assets.kafka.registry.address import RegistryAddress
from dataeng_assets.kafka.registry.confluent import ConfluentRegistry
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import SchemaStore


@pytest.fixture
def subject() -> str:
    """A name that no other subject has, with characters that an address and a folder take only when quoted."""
    return f"shop/orders ü {uuid.uuid4().hex[:8]}-value"


@pytest.fixture(params=["repository", pytest.param("apicurio", marks=pytest.mark.server)])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> SchemaStore:
    """A folder of files, then a real server."""
    if request.param == "repository":
        return RepositoryRegistry(tmp_path / "schemas")
    return ConfluentRegistry(RegistryAddress(request.getfixturevalue("schema_registry").url, allow_plaintext=True))
