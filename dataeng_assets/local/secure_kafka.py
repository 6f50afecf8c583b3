"""A real Apache Kafka that lets nobody in without a proof: TLS, SCRAM and client certificates, rights by user.

It lives in a folder of its own, so that a folder is never opened once with and once without security. Beside the data
lies `access`, made once and readable by its owner alone: the certificates, the passwords, and for each of three users a
file that says how to log in as them. What is the same without security belongs in `kafka`.
"""

import json
import secrets
import shutil
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataeng_assets.local import kafka, packages, process
from dataeng_assets.local.kafka import Kafka, Listeners
from dataeng_assets.local.process import ServiceError

if TYPE_CHECKING:
    from dataeng_assets.local.certificates import Certificate

ADMIN, READER, PRODUCER = USERS = "admin", "reader", "producer"
"""Who may do everything, and who may do what they are granted; each has a password and a certificate."""

_BROKER = "broker"
_MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")
_ITERATIONS = 4096  # the least that Kafka takes: every connection pays for it

# Brokers and the controller prove themselves to each other by certificate. The name in a certificate is the user, so
# that a user is the same whether a password or a certificate proves them.
_LISTENERS = f"""\
listeners=SASL_SSL://{{host}}:{{port}},SSL://{{host}}:{{second}},CONTROLLER://{{host}}:{{controller}}
advertised.listeners=SASL_SSL://{{host}}:{{port}},SSL://{{host}}:{{second}}
listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:SSL
inter.broker.listener.name=SSL
ssl.keystore.type=PEM
ssl.keystore.location=access/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location=access/ca.pem
listener.name.ssl.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=([^,]+)$/$1/,DEFAULT
sasl.enabled.mechanisms={",".join(_MECHANISMS)}
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{_BROKER};User:{ADMIN}
"""


@dataclass(frozen=True)
class SecureKafka(Kafka):
    """A broker that answers those who prove who they are; `bootstrap` is the address for users with a password."""

    @property
    def certificate_bootstrap(self) -> str:
        """Address for users with a certificate."""
        text = (self.home / "server.properties").read_text(encoding="utf-8")
        return text.partition(",SSL://")[2].partition(",")[0]

    @property
    def access(self) -> Path:
        """The folder of certificates, passwords and ways to log in."""
        return self.home / "access"

    def password(self, user: str) -> str:
        """Of one of `USERS`."""
        return (self.access / f"{user}.password").read_text(encoding="utf-8")

    def admin_options(self) -> dict[str, object]:
        """How kafka-python's admin client reaches it as somebody who may do everything."""
        context = ssl.create_default_context(cafile=self.access / "ca.pem")
        context.load_cert_chain(self.access / f"{ADMIN}.pem")
        return {
            "bootstrap_servers": self.certificate_bootstrap,
            "security_protocol": "SSL",
            "ssl_context": context,
        }


def start(
    home: Path,
    *,
    log: Path,
    port: int | None = None,
    properties: str = "",
    java: Sequence[str] = (),
    on_progress: packages.OnProgress = packages.no_progress,
) -> SecureKafka:
    """Start a secured broker in a folder, which is made, with certificates and users, when it is new.

    Args:
        home: its folder: data, access, properties, process.
        log: file that takes its warnings and errors.
        port: the port for users with a password; another when that is taken. The last one it had when None.
        properties: more lines of the broker's settings, which win over ours; with places as in `Listeners`.
        java: more options of the Java runtime.
        on_progress: told about downloads.

    Raises:
        ServiceError: it did not come up, or another broker uses the folder.
        PackageError: the packages could not be fetched.
    """
    if not (home / "access").exists():
        make_access(home)
    listeners = Listeners(_LISTENERS + properties, tuple(java), lambda pid, chosen: SecureKafka(home, log, pid, chosen))
    started = kafka.start(home, log=log, port=port, listeners=listeners, on_progress=on_progress)
    broker = SecureKafka(home, log, started.pid, started.port)
    for user in USERS:
        set_password(broker, user, broker.password(user))
    _write_logins(broker)
    return broker


def running(home: Path, log: Path) -> SecureKafka | None:
    """The secured broker that lives in a folder, whether it answers or not."""
    found = kafka.running(home, log)
    return SecureKafka(home, log, found.pid, found.port) if found else None


def set_password(broker: SecureKafka, user: str, password: str) -> None:
    """Let a user log in with a password, by either mechanism of SCRAM; a former password is no longer one."""
    from kafka import KafkaAdminClient
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

    admin = KafkaAdminClient(**broker.admin_options())
    try:
        for name in _MECHANISMS:  # one request each: a user is changed at most once in one
            mechanism = ScramMechanism[name.replace("-", "_")]
            change = UserScramCredentialUpsertion(user, mechanism, password.encode(), iterations=_ITERATIONS)
            refused = admin.alter_user_scram_credentials([change])[user]
            if refused:
                raise ServiceError(f"Kafka in {broker.home} refused the password of {user}: {refused}")
    finally:
        admin.close()


def login(broker: SecureKafka, user: str) -> Path:
    """The file that says how to log in as a user, for `DATAENG_KAFKA_SECURITY`."""
    return broker.access / f"{user}.yaml"


def make_access(home: Path) -> "Certificate":
    """Make certificates and passwords, once for all; the folder appears under its name only when it is whole.

    Returns:
        The authority that signed the certificates; its key is kept nowhere.
    """
    from dataeng_assets.local import certificates

    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    making = home / "making-access"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    signer = certificates.authority("dataeng local authority")
    certificates.write_private(making / "ca.pem", signer.pem)
    broker = certificates.signed(signer, _BROKER, hosts=["localhost", process.HOST])
    for one in (broker, *(certificates.signed(signer, user) for user in USERS)):
        certificates.write_private(making / f"{one.name}.pem", one.key_pem() + one.pem)
    for user in USERS:
        certificates.write_private(making / f"{user}.password", secrets.token_urlsafe(24).encode())
    making.rename(home / "access")
    return signer


def _write_logins(broker: SecureKafka) -> None:
    """Say how to log in as each user; anew each time, because the project may have been moved."""
    trusted = f"ca_file: {json.dumps(str(broker.access / 'ca.pem'))}\n"
    for user in USERS:
        password = json.dumps(str(broker.access / f"{user}.password"))
        text = f"protocol: SASL_SSL\nmechanism: SCRAM-SHA-512\nusername: {user}\npassword_file: {password}\n{trusted}"
        process.replace_text(login(broker, user), text)
