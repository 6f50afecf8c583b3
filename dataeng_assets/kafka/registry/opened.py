"""From the address that a declaration or a person gives to the registry that is there."""

from pathlib import Path
from urllib.parse import urlsplit

from dataeng_assets.kafka.registry.address import RegistryAddress
from dataeng_assets.kafka.registry.confluent import ConfluentRegistry
from dataeng_assets.kafka.registry.errors import InsecureRegistry
from dataeng_assets.kafka.registry.glue import GlueRegistry
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import SchemaStore
from dataeng_assets.settings import SettingMissing, Settings, variable

_GLUE = "glue://"
VARIABLE = "DATAENG_REGISTRY_URL"
"""Holds the address of the registry where none is named; `dataeng up --registry` sets it."""


def declared_registry(name: str, folder: Path) -> SchemaStore:
    """The registry that a topic's declaration names.

    Args:
        name: the variable that holds its address; see `registry_at`. When it is empty, the schemas are files.
        folder: where those files are.

    Raises:
        SettingMissing: the variable is not set.
        InsecureRegistry: the connection would be unencrypted or half configured.
    """
    return registry_at(variable(name), name) if name else RepositoryRegistry(folder)


def refuse_insecure_registry(topic: str, name: str) -> None:
    """Refuse a topic whose registry would be asked without encryption, before anything connects or a secret is there.

    Args:
        topic: names it in the message.
        name: the variable that holds the address; a registry whose address is not set, or is none, is not judged.

    Raises:
        InsecureRegistry: says what is wrong, and what to write.
    """
    address = _value(name) if name else ""
    if "://" in address and not address.startswith(_GLUE):
        try:
            RegistryAddress(address, allow_plaintext=Settings.load().is_local)
        except InsecureRegistry as wrong:
            raise InsecureRegistry(f"Topic {topic}: {wrong} Nothing was loaded. Correct {name}.") from None


def registry_at(address: str, name: str = VARIABLE) -> SchemaStore:
    """The registry at an address.

    Args:
        address: `https://…` with the Confluent REST interface, `glue://<region>/<registry>`, or a folder.
        name: a variable, for those of the credentials begin like it: to `DATAENG_REGISTRY_URL` belong
            `DATAENG_REGISTRY_USERNAME` and `_PASSWORD`, or `_TOKEN`; `_CA_FILE`, `_CERTIFICATE_FILE`, `_KEY_FILE`. A
            secret may stand in a file instead, which `_PASSWORD_FILE` or `_TOKEN_FILE` names.

    Raises:
        InsecureRegistry: the connection would be unencrypted or half configured.
    """
    if address.startswith(_GLUE):
        parts = urlsplit(address)
        return GlueRegistry(parts.netloc, parts.path.strip("/"), allow_plaintext=Settings.load().is_local)
    if "://" not in address:
        return RepositoryRegistry(Path(address))
    prefix = name.removesuffix("_URL")
    return ConfluentRegistry(
        RegistryAddress(
            address,
            username=_value(f"{prefix}_USERNAME"),
            password=_secret(f"{prefix}_PASSWORD"),
            token=_secret(f"{prefix}_TOKEN"),
            ca_file=_value(f"{prefix}_CA_FILE"),
            certificate_file=_value(f"{prefix}_CERTIFICATE_FILE"),
            key_file=_value(f"{prefix}_KEY_FILE"),
            allow_plaintext=Settings.load().is_local,
        )
    )


def _value(name: str) -> str:
    try:
        return variable(name)
    except SettingMissing:
        return ""


def _secret(name: str) -> str:
    file = _value(f"{name}_FILE")
    if not file:
        return _value(name)
    try:
        return Path(file).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InsecureRegistry(
            f"{name}_FILE names {file}, which cannot be read. Nothing was connected to. Give a file that we may read, "
            f"or set {name}."
        ) from None
