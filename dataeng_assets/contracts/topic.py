"""What a contract demands of its topic itself: partitions, how long records are kept, and who may use it.

It stands in the custom property `topic` of the schema object. Comparing it with a cluster belongs in `kafka.topics`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from open_data_contract_standard.model import SchemaObject

from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.durations import duration, duration_text
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.plain import Place

PROPERTY = "topic"
UNLIMITED = "unlimited"
_NO_LIMIT = "-1"
_MILLISECOND = timedelta(milliseconds=1)
_POLICIES = ("compact", "delete")
_COMPRESSIONS = ("gzip", "lz4", "producer", "snappy", "uncompressed", "zstd")
_CONFIGS = {
    "retention": "retention.ms",
    "retentionBytes": "retention.bytes",
    "cleanupPolicy": "cleanup.policy",
    "minInSyncReplicas": "min.insync.replicas",
    "compression": "compression.type",
    "maxMessageBytes": "max.message.bytes",
}
"""Our words for Kafka's settings; every other setting stands under its own name in `configs`."""
_WORDS = ("partitions", "replicationFactor", *_CONFIGS, "configs", "readers", "producers")


@dataclass(frozen=True)
class TopicTerms:
    """What a topic should be like; what is not said is the broker's to decide, and left as it is.

    Attributes:
        configs: settings under Kafka's names, as Kafka writes their values.
        readers: principals that may read, with or without `User:`.
        producers: principals that may write, likewise.
    """

    partitions: int | None = None
    replication_factor: int | None = None
    configs: Mapping[str, str] = field(default_factory=dict, hash=False)
    readers: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()


def read_topic(document: Document, table: SchemaObject) -> TopicTerms | None:
    """What the property `topic` says; None when there is none.

    Raises:
        ContractError: with file, line, what was found and what is allowed.
    """
    at: Place = ("schema", 0, "customProperties")
    for position, one in enumerate(table.customProperties or []):
        if one.property == PROPERTY:
            if table.physicalType != PROPERTY:
                raise document.error((*at, position, "property"), PROPERTY, "physicalType: topic beside it, or none")
            return _terms(document, (*at, position, "value"), one.value)
    return None


def written_topic(terms: TopicTerms) -> dict[str, Any]:
    """The value of the property `topic` that `read_topic` reads as these terms."""
    words = {config: word for word, config in _CONFIGS.items()}
    said: dict[str, Any] = {"partitions": terms.partitions, "replicationFactor": terms.replication_factor}
    said |= {words[name]: _written(name, value) for name, value in terms.configs.items() if name in words}
    said["configs"] = {name: value for name, value in terms.configs.items() if name not in words}
    said |= {"readers": list(terms.readers), "producers": list(terms.producers)}
    return {word: value for word, value in said.items() if value not in (None, {}, [])}


def _terms(document: Document, at: Place, given: object) -> TopicTerms:
    if not isinstance(given, dict):
        raise document.error(at, given, f"a mapping of {', '.join(_WORDS)}")
    for word in given:
        if word not in _WORDS:
            raise document.error((*at, word), word, f"{', '.join(_WORDS)}{did_you_mean(str(word), list(_WORDS))}")
    configs = _other_configs(document, (*at, "configs"), given.get("configs", {}))
    configs |= {_CONFIGS[word]: _config(document, (*at, word), word, given[word]) for word in _CONFIGS if word in given}
    return TopicTerms(
        partitions=_count(document, (*at, "partitions"), given.get("partitions")),
        replication_factor=_count(document, (*at, "replicationFactor"), given.get("replicationFactor")),
        configs=configs,
        readers=_principals(document, (*at, "readers"), given.get("readers", [])),
        producers=_principals(document, (*at, "producers"), given.get("producers", [])),
    )


def _config(document: Document, at: Place, word: str, value: object) -> str:
    match word:
        case "retention":
            return _NO_LIMIT if value == UNLIMITED else str(_milliseconds(document, at, value))
        case "retentionBytes":
            return _NO_LIMIT if value == UNLIMITED else str(_count(document, at, value))
        case "cleanupPolicy":
            policies = value if isinstance(value, list) else [value]
            if not policies or any(policy not in _POLICIES for policy in policies):
                raise document.error(at, value, f"{' or '.join(_POLICIES)}, or a list of both")
            return ",".join(sorted(set(map(str, policies))))
        case "compression":
            if value not in _COMPRESSIONS:
                raise document.error(at, value, f"one of {', '.join(_COMPRESSIONS)}")
            return str(value)
    return str(_count(document, at, value))


def _written(config: str, value: str) -> object:
    match config:
        case "retention.ms":
            return UNLIMITED if value == _NO_LIMIT else duration_text(int(value) * _MILLISECOND)
        case "retention.bytes":
            return UNLIMITED if value == _NO_LIMIT else int(value)
        case "cleanup.policy":
            return value if "," not in value else value.split(",")
        case "compression.type":
            return value
    return int(value)


def _milliseconds(document: Document, at: Place, value: object) -> int:
    length = duration(document, at, value)
    if not length:
        raise document.error(at, value, f"more than nothing, such as P7D, or {UNLIMITED}")
    return length // _MILLISECOND


def _other_configs(document: Document, at: Place, given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise document.error(at, given, "a mapping of Kafka's own settings, such as segment.ms: 3600000")
    words = {config: word for word, config in _CONFIGS.items()}
    for name, value in given.items():
        if name in words:
            raise document.error((*at, name), name, f"`{words[name]}` beside `configs`, which says the same")
        if not isinstance(value, str | int | float):
            raise document.error((*at, name), value, "a text, a number, true or false")
    return {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}


def _count(document: Document, at: Place, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise document.error(at, value, "a whole number of 1 or more")
    return value


def _principals(document: Document, at: Place, given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or any(not isinstance(name, str) or name.strip() in ("", "*") for name in given):
        raise document.error(at, given, "a list of users by name, such as [dataeng]")
    return tuple(given)
