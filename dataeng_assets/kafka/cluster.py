"""Where a Kafka cluster is and how a client proves who it is; the rule that nothing travels unencrypted.

What a `defs.yaml` says about it belongs in `security`, opening connections in `admin` and `reader`.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka.net.sasl.oauth import AbstractTokenProvider

from dataeng_assets.kafka.errors import CertificateRefused
from dataeng_assets.kafka.secret import Secret
from dataeng_assets.kafka.tokens import Source

SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
MECHANISMS = ("PLAIN", *SCRAM, "OAUTHBEARER")


class InsecureCluster(Exception):
    """The connection would be unencrypted, unauthenticated or half configured. Trying again cannot help."""

    retryable = False


@dataclass(frozen=True)
class Cluster:
    """Address and security of one cluster.

    Attributes:
        bootstrap: comma-separated `host:port`.
        protocol: PLAINTEXT, SSL (with a client certificate) or SASL_SSL.
        mechanism: of SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.
        username: of PLAIN and SCRAM.
        password: of PLAIN and SCRAM; never printed.
        ca_file: PEM file of the authority that signed the brokers' certificates; the system's when empty.
        certificate_file: PEM file of the client's certificate.
        key_file: PEM file of the client's key.
        key_password: of an encrypted key; never printed.
        token: gives the token of OAUTHBEARER.
        allow_plaintext: whether PLAINTEXT is accepted: in the local environment only.
        reader: the client that reads records: confluent-kafka, or kafka-python where that cannot go.

    Raises:
        InsecureCluster: it would be unencrypted, unauthenticated or half configured.
    """

    bootstrap: str
    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)
    token: Source | None = field(default=None, repr=False)
    allow_plaintext: bool = False
    reader: str = "confluent-kafka"

    def __post_init__(self) -> None:
        object.__setattr__(self, "password", Secret(self.password))
        object.__setattr__(self, "key_password", Secret(self.key_password))
        refusal = self._refusal()
        if refusal:
            raise InsecureCluster(f"Kafka at {self.bootstrap or '?'}: {refusal} Nothing was connected to.")

    def _refusal(self) -> str:
        if not self.bootstrap:
            return "the address is empty; set it, or start the local broker with `dataeng up`."
        if self.protocol == "PLAINTEXT":
            wanted = "PLAINTEXT is allowed in the local environment only (DATAENG_ENV=local); use SASL_SSL or SSL."
            return "" if self.allow_plaintext else wanted
        if bool(self.certificate_file) != bool(self.key_file):
            return "a client certificate goes with its key; certificate_file or key_file is missing."
        if self.protocol == "SSL":
            return "" if self.key_file else "SSL needs certificate_file and key_file, else nobody is authenticated."
        if self.protocol != "SASL_SSL":
            return f"protocol is {self.protocol!r}; allowed are SASL_SSL, SSL and, locally, PLAINTEXT."
        return self._sasl_refusal()

    def _sasl_refusal(self) -> str:
        if self.mechanism not in MECHANISMS:
            return f"mechanism is {self.mechanism!r}; allowed are {', '.join(MECHANISMS)}."
        if self.mechanism == "OAUTHBEARER":
            return "" if self.token else "OAUTHBEARER needs a source of tokens: token_provider or token_url."
        return "" if self.username and self.password else "SASL_SSL needs username and password."

    @property
    def is_encrypted(self) -> bool:
        """Whether connections are TLS."""
        return self.protocol != "PLAINTEXT"

    def ssl_context(self) -> ssl.SSLContext:
        """What a TLS connection trusts and shows; a broker's certificate and host name are always checked.

        Raises:
            CertificateRefused: a file cannot be used.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise self._unusable("ca_file", self.ca_file, error) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate_file:
            try:
                # never asks for a password on the terminal
                context.load_cert_chain(
                    self.certificate_file, self.key_file, lambda: Secret(self.key_password).reveal()
                )
            except (OSError, ssl.SSLError) as error:
                files = f"{self.certificate_file}, key_file {self.key_file}"
                raise self._unusable("certificate_file", files, error) from error
        return context

    def options(self) -> Mapping[str, object]:
        """The options that every client of kafka-python takes; a secret among them prints as asterisks.

        Raises:
            CertificateRefused: a file cannot be used.
        """
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.protocol,
            "client_id": "dataeng",
        }
        if self.is_encrypted:
            options["ssl_context"] = self.ssl_context()
        if self.protocol == "SASL_SSL":
            options["sasl_mechanism"] = self.mechanism
            if self.token:
                options["sasl_oauth_token_provider"] = _TokenProvider(self.token)
            else:
                options |= {"sasl_plain_username": self._name_for_kafka_python(), "sasl_plain_password": self.password}
        return options

    def librdkafka_options(self) -> dict[str, Any]:
        """The options that every client of confluent-kafka takes; its secrets are plain, for it takes nothing else."""
        options: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.protocol,
            "client.id": "dataeng",
        }
        if self.is_encrypted:
            options |= {"enable.ssl.certificate.verification": True, "ssl.endpoint.identification.algorithm": "https"}
        if self.protocol == "SASL_SSL":
            options["sasl.mechanism"] = self.mechanism
            if self.token:
                options["oauth_cb"] = _for_librdkafka(self.token)
            else:
                options |= {"sasl.username": self.username, "sasl.password": Secret(self.password).reveal()}
        files = {
            "ssl.ca.location": self.ca_file,
            "ssl.certificate.location": self.certificate_file,
            "ssl.key.location": self.key_file,
            "ssl.key.password": Secret(self.key_password).reveal(),
        }
        return options | {name: value for name, value in files.items() if value}

    def _name_for_kafka_python(self) -> str:
        """The user's name, written as SCRAM demands (RFC 5802, 5.1), which kafka-python 3.0.12 leaves to us."""
        if self.mechanism not in SCRAM:
            return self.username
        return self.username.replace("=", "=3D").replace(",", "=2C")

    def _unusable(self, name: str, files: str, error: Exception) -> CertificateRefused:
        return CertificateRefused(
            f"{name} {files} cannot be used: {error}. Nothing was connected to. It is a PEM file that this user may "
            "read; a key that is encrypted needs key_password_variable or key_password_file."
        )


def _for_librdkafka(source: Source) -> Callable[[str], tuple[str, float]]:
    def token(_: str) -> tuple[str, float]:
        found = source()
        return Secret(found.value).reveal(), found.ends

    return token


class _TokenProvider(AbstractTokenProvider):  # type: ignore[misc]  # kafka-python has no types
    """Tokens, as kafka-python asks for them."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def token(self) -> str:
        return Secret(self._source().value).reveal()
