"""Proving both sides to each other before a client connects, because clients keep the reason when that fails.

kafka-python logs it and tries again until its time is over; librdkafka's words differ from version to version. The
requests are those with which every client begins (ApiVersions, SaslHandshake, SaslAuthenticate; KIP-43, KIP-152).
"""

import socket
import ssl
import struct
from dataclasses import dataclass

from kafka.errors import for_code
from kafka.net.sasl import get_sasl_mechanism

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import CertificateRefused, problem

_SECONDS = 10
_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = (18, 0), (17, 1), (36, 0)  # key and version
_MOST_BYTES = 1_000_000
_NEXT = {
    "hostname mismatch": "Use an address that the certificate names, or have it issued for this one too.",
    "ip address mismatch": "Use an address that the certificate names, or have it issued for this one too.",
    "has expired": "Have the brokers' certificate renewed.",
    "not yet valid": "Compare the clocks of this machine and of the brokers.",
}


def shake_hands(cluster: Cluster) -> None:
    """Let the first broker that answers prove itself to us, and us to it; nothing when there is no security.

    When none answers, that is left to the client to tell.

    Raises:
        CertificateRefused: one side does not believe the other's certificate; says which, and what to do.
        NotAuthenticated: the broker does not believe our password or token, or there is no token.
    """
    if not cluster.is_encrypted:
        return
    context = cluster.ssl_context()
    for place in cluster.bootstrap.split(","):
        host, _, port = place.strip().rpartition(":")
        try:
            with _connected(context, host.strip("[]"), int(port)) as connection:
                _log_in(connection, cluster)
        except ssl.SSLCertVerificationError as error:
            raise _not_believed(place, error, cluster.ca_file) from error
        except ssl.SSLError as error:
            raise _not_believing(place, str(error.reason or error), cluster) from error
        except (OSError, ValueError, struct.error):
            continue
        return


def _connected(context: ssl.SSLContext, host: str, port: int) -> ssl.SSLSocket:
    plain = socket.create_connection((host, port), timeout=_SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def _log_in(connection: ssl.SSLSocket, cluster: Cluster) -> None:
    # a broker that refuses our certificate says so only after the handshake of TLS 1.3
    _ask(connection, _API_VERSIONS, b"")
    if cluster.protocol != "SASL_SSL":
        return
    answer = _ask(connection, _SASL_HANDSHAKE, _text(cluster.mechanism))
    _raise_refused(cluster, answer.number(">h"), f"it takes {', '.join(answer.texts())}")
    options = {name: value for name, value in cluster.options().items() if name.startswith("sasl_")}
    mechanism = get_sasl_mechanism(cluster.mechanism)(**options)
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        answer = _ask(connection, _SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        _raise_refused(cluster, answer.number(">h"), answer.text())
        mechanism.receive(answer.take(answer.number(">i")))


def _raise_refused(cluster: Cluster, code: int, told: str) -> None:
    if code:
        raise problem(cluster.bootstrap, "logging in", for_code(code).__name__, told, passes=False)


@dataclass
class _Answer:
    """What of a broker's answer has not been looked at yet."""

    left: bytes

    def take(self, count: int) -> bytes:
        taken, self.left = self.left[: max(count, 0)], self.left[max(count, 0) :]
        return taken

    def number(self, form: str) -> int:
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def text(self) -> str:
        return self.take(self.number(">h")).decode()

    def texts(self) -> list[str]:
        return [self.text() for _ in range(self.number(">i"))]


def _ask(connection: ssl.SSLSocket, what: tuple[int, int], body: bytes) -> _Answer:
    request = struct.pack(">hhi", *what, 0) + _text("dataeng") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _receive(connection, 4))
    answer = _Answer(_receive(connection, min(size, _MOST_BYTES)))
    answer.number(">i")  # the correlation id
    return answer


def _receive(connection: ssl.SSLSocket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the connection was closed")
        found += part
    return found


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def _not_believed(place: str, error: ssl.SSLCertVerificationError, ca_file: str) -> CertificateRefused:
    said = error.verify_message.rstrip(".")
    signer = f"{ca_file} has not signed it" if ca_file else "no authority that this system trusts has signed it"
    step = next((step for part, step in _NEXT.items() if part in said.lower()), "")
    step = step or f"Here {signer}: name the file of the one that has in `ca_file`."
    return CertificateRefused(
        f"The certificate of Kafka at {place} was refused: {said}. Nobody was told a password, nothing was read. "
        f"{step} There is no switch to leave this out."
    )


def _not_believing(place: str, said: str, cluster: Cluster) -> CertificateRefused:
    ours = "it does not believe the certificate in certificate_file" if cluster.certificate_file else ""
    ours = ours or "it wants a certificate (certificate_file, key_file), or this port takes no TLS"
    return CertificateRefused(
        f"Kafka at {place} ended the TLS handshake ({said}): {ours}. Nothing was read. Check the port and the "
        "protocol, and have a certificate issued by the authority that the brokers trust."
    )
