"""The variables that the platform reads."""

from dataeng_assets.settings import Settings
from reference_pages.model_fields import fields


def settings() -> str:
    """Every variable that the platform reads."""
    return f"""
# Settings

Environment variables. The process environment wins over `.env` in the root, and `.env` over `.dataeng/local.env`, where
`dataeng up` records the addresses of the local services. Copy `.env.example` to begin.

{fields(Settings, lambda field: f"DATAENG_{field.upper()}")}

## Addresses

The variable that holds the address of a source is named in the source's `defs.yaml`, by `url_variable`,
`bootstrap_variable` or `registry_variable`. It is read when a run starts, so that a service may move between two runs.
`DATAENG_POSTGRES_URL`, `DATAENG_KAFKA_BOOTSTRAP` and `DATAENG_REGISTRY_URL` are those of the local services: set to an
address of yours, nothing local is started.

## Logging in to Kafka

`DATAENG_KAFKA_SECURITY` names a file with what may stand under `security` of a topic
([KafkaTopicComponent](declarations.md#kafkatopiccomponent)), and wins over that. `DATAENG_KAFKA_SECURITY_PRODUCER` and
`DATAENG_KAFKA_SECURITY_ADMIN` do the same for whoever sends records and for `dataeng topics`, where those are other
users. `dataeng up --secure` records all three for its broker. A topic may name a variable of its own in
`security_variable`.
Secrets stand in none of these files: [Kafka with TLS and passwords](../how-to/secure-kafka.md).

Kafka's login is a file, because it has up to a dozen settings, which a topic may also write in `defs.yaml`. A schema
registry's is a handful of variables beside its address, `DATAENG_REGISTRY_USERNAME` and `_PASSWORD` or `_PASSWORD_FILE`
among them: [schemas of records](../how-to/schema-registry.md).
"""
