"""Which security is in force for a cluster: what a person set, what `dataeng up` recorded, or what is declared.

A broker that `dataeng up` started is reached the way it was started, whatever is declared for the clusters of other
environments. What security is belongs in `security`.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from dataeng_assets.kafka.cluster import Cluster, InsecureCluster
from dataeng_assets.kafka.security import PLAINTEXT, Security, read_security
from dataeng_assets.settings import ROOT, Settings, outside_address, recorded

BOOTSTRAP = "DATAENG_KAFKA_BOOTSTRAP"
SECURITY = "DATAENG_KAFKA_SECURITY"


class Role(StrEnum):
    """Who talks to a cluster, where they are not the same user: the suffix of the variable that says how."""

    READER = ""
    PRODUCER = "_PRODUCER"
    ADMIN = "_ADMIN"


def cluster_at(
    bootstrap: str,
    declared: Security | None = None,
    *,
    role: Role = Role.READER,
    security_variable: str = SECURITY,
    reader: str = "confluent-kafka",
) -> Cluster:
    """The cluster at an address, as a user who may do what a role needs.

    Args:
        bootstrap: comma-separated `host:port`.
        declared: what stands in `defs.yaml`.
        role: whose variable is looked at first; the reader's is that of everybody who has none.
        security_variable: names a file that says how to log in; it wins over what is declared.
        reader: the client that reads records.

    Raises:
        InsecureCluster: it would be unencrypted outside of the local environment, unauthenticated or half configured.
        SettingMissing: a file or a variable of a secret is not there.
    """
    security = security_of(bootstrap, declared, role=role, security_variable=security_variable)
    return security.cluster(bootstrap, allow_plaintext=Settings.load().is_local, reader=reader)


def security_of(
    bootstrap: str | None, declared: Security | None, *, role: Role = Role.READER, security_variable: str = SECURITY
) -> Security:
    """The security in force, without its secrets; see `cluster_at`. An address that is not known yet is None."""
    names = tuple(dict.fromkeys((f"{security_variable}{role}", security_variable)))
    for file in _set(names):
        return read_security(file)
    if bootstrap is not None and bootstrap == recorded(BOOTSTRAP):
        for file in _recorded(names):
            return read_security(file)
        return PLAINTEXT
    return declared or PLAINTEXT


def refuse_insecure(
    topic: str, bootstrap_variable: str, declared: Security | None, *, security_variable: str = SECURITY
) -> None:
    """Refuse a topic whose connections would be insecure, before anything connects or a secret is there.

    Raises:
        InsecureCluster: says what is wrong, and what to write where.
        SettingMissing: the file that is set does not exist.
    """
    wrong = declared.refusal() if declared else ""
    is_local = Settings.load().is_local
    if not wrong and not is_local:
        bootstrap = outside_address(bootstrap_variable) or recorded(bootstrap_variable)
        security = security_of(bootstrap, declared, security_variable=security_variable)
        wrong = security.refusal() if security.is_encrypted else "the connection would be unencrypted."
    if wrong:
        raise InsecureCluster(
            f"Topic {topic}: {wrong} Nothing was loaded and nothing was connected to. Correct `security` in its "
            f"defs.yaml, or the file that {security_variable} names: docs/how-to/secure-kafka.md"
            + ("." if is_local else ", or take the topic out of this environment (DATAENG_ENV is not local).")
        )


def _set(names: tuple[str, ...]) -> Iterator[Path]:
    values = (outside_address(name) for name in names)
    return (ROOT / value for value in values if value)


def _recorded(names: tuple[str, ...]) -> Iterator[Path]:
    values = (recorded(name) for name in names)
    return (ROOT / value for value in values if value)
