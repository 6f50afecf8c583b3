"""Where a Kafka cluster is and how a client proves who it is; the rule that nothing travels unencrypted.

Opening connections belongs in `admin` and `reader`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class InsecureCluster(Exception):
    """The connection would be unencrypted, unauthenticated or half configured. Trying again cannot help."""

    retryable = False


@dataclass(frozen=True)
class Cluster:
    """Address and security of one cluster.

    Attributes:
        bootstrap: comma-separated `host:port`.
        protocol: PLAINTEXT, SSL (with a client certificate) or SASL_SSL.
        mechanism: of SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
        username: of SASL.
        password: of SASL; never printed.
        ca_file: PEM file of the authority that signed the brokers' certificates; the system's when empty.
        certificate_file: PEM file of the client's certificate.
        key_file: PEM file of the client's key.
        allow_plaintext: whether PLAINTEXT is accepted: in the local environment only.
        reader: the client that reads records: confluent-kafka, or kafka-python where that cannot go.
    """

    bootstrap: str
    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    allow_plaintext: bool = False
    reader: str = "confluent-kafka"

    def __post_init__(self) -> None:
        refusal = self._refusal()
        if refusal:
            raise InsecureCluster(f"Kafka at {self.bootstrap}: {refusal} Nothing was connected to.")

    def _refusal(self) -> str:
        if not self.bootstrap:
            return "the address is empty; set it, or start the local broker with `dataeng up`."
        if self.protocol == "PLAINTEXT":
            wanted = "PLAINTEXT is allowed in the local environment only (DATAENG_ENV=local); use SASL_SSL or SSL."
            return "" if self.allow_plaintext else wanted
        if self.protocol == "SSL":
            missing = not (self.certificate_file and self.key_file)
            return "SSL needs certificate_file and key_file, else nobody is authenticated." if missing else ""
        if self.protocol != "SASL_SSL":
            return f"protocol is {self.protocol!r}; allowed are SASL_SSL, SSL and, locally, PLAINTEXT."
        if self.mechanism not in _MECHANISMS:
            return f"mechanism is {self.mechanism!r}; allowed are {', '.join(_MECHANISMS)}."
        return "" if self.username and self.password else "SASL_SSL needs username and password."

    def options(self) -> Mapping[str, object]:
        """The options that every client of kafka-python takes."""
        options: dict[str, object] = {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.protocol,
            "client_id": "dataeng",
        }
        if self.protocol == "SASL_SSL":
            options |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.username}
            options |= {"sasl_plain_password": self.password}
        files = {"ssl_cafile": self.ca_file, "ssl_certfile": self.certificate_file, "ssl_keyfile": self.key_file}
        return options | {name: path for name, path in files.items() if path}
