"""A secured broker with everything that a test of security needs: a signer of tokens, and ports that are not to be
believed.

The fixture over it belongs in `servers`; what every secured broker has, in `local.secure_kafka`.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from dataeng_assets.local import certificates, kafka, process, secure_kafka
from dataeng_assets.local.certificates import Certificate
from dataeng_assets.local.secure_kafka import SecureKafka

_ISSUER, _AUDIENCE, _KEY = "https://id.example.com", "kafka", "of-the-test"
_JAAS = "org.apache.kafka.common.security"

# Beside the two listeners of every secured broker: one for PLAIN and tokens as well, and two with bad certificates.
_LISTENERS = """\
listeners=SASL_SSL://{host}:{port},SSL://{host}:{second},EXPIRED://{host}:<expired>,ELSEWHERE://{host}:<elsewhere>,\
CONTROLLER://{host}:{controller}
advertised.listeners=SASL_SSL://{host}:{port},SSL://{host}:{second},EXPIRED://{host}:<expired>,\
ELSEWHERE://{host}:<elsewhere>
listener.security.protocol.map=SASL_SSL:SASL_SSL,SSL:SSL,EXPIRED:SSL,ELSEWHERE:SSL,CONTROLLER:SSL
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location=access/expired.pem
listener.name.elsewhere.ssl.keystore.type=PEM
listener.name.elsewhere.ssl.keystore.location=access/elsewhere.pem
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER
listener.name.sasl_ssl.plain.sasl.jaas.config=<jaas>.plain.PlainLoginModule required user_reader="<password>";
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=<jaas>.oauthbearer.OAuthBearerLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class=\
<jaas>.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url=<jwks>
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.expected.issuer=<issuer>
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.expected.audience=<audience>
"""


@dataclass(frozen=True)
class SecuredBroker:
    """A secured broker, the authority that its certificates come from, and the key that it knows tokens by.

    Attributes:
        kafka: the broker; see there for addresses, users, passwords and logins.
        authority: signs certificates that it believes.
        expired: address where its certificate is over.
        elsewhere: address where its certificate is good for another host.
    """

    kafka: SecureKafka
    authority: Certificate
    expired: str
    elsewhere: str
    _key: rsa.RSAPrivateKey

    def token(self, user: str, *, seconds: float = 300) -> tuple[str, float]:
        """A token for a user, as the broker wants it, and the second since 1970 at which it ends."""
        ends = time.time() + seconds
        claims = {"sub": user, "iss": _ISSUER, "aud": _AUDIENCE, "iat": int(ends - 600), "exp": int(ends)}
        said = f"{_part({'alg': 'RS256', 'kid': _KEY})}.{_part(claims)}"
        return f"{said}.{_encoded(self._key.sign(said.encode(), PKCS1v15(), SHA256()))}", ends


@contextmanager
def secured_broker(folder: Path) -> Iterator[SecuredBroker]:
    """A secured broker in an empty folder, on free ports."""
    home = folder / "kafka-secure"
    authority = secure_kafka.make_access(home)
    access = home / "access"
    now_over = certificates.signed(authority, "broker", hosts=[process.HOST], valid=-timedelta(days=1))
    elsewhere = certificates.signed(authority, "broker", hosts=["elsewhere.example.com"])
    for name, one in (("expired", now_over), ("elsewhere", elsewhere)):
        certificates.write_private(access / f"{name}.pem", one.key_pem() + one.pem)
    key = rsa.generate_private_key(65537, 2048)
    jwks = (access / "jwks.json").resolve()
    jwks.write_text(json.dumps({"keys": [_public(key)]}))
    expired_port = process.choose_port()
    ports = {"expired": expired_port, "elsewhere": process.choose_port(besides=[expired_port])}
    said = {
        **{name: str(port) for name, port in ports.items()},
        "jaas": _JAAS,
        "password": (access / f"{secure_kafka.READER}.password").read_text(),
        "jwks": jwks.as_uri(),
        "issuer": _ISSUER,
        "audience": _AUDIENCE,
    }
    text = _LISTENERS
    for name, value in said.items():
        text = text.replace(f"<{name}>", value)
    java = [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={jwks.as_uri()}"]
    try:
        broker = secure_kafka.start(home, log=folder / "kafka.log", properties=text, java=java)
        yield SecuredBroker(
            broker, authority, f"{process.HOST}:{ports['expired']}", f"{process.HOST}:{ports['elsewhere']}", key
        )
    finally:
        kafka.stop(home)


def _public(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    known = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY}
    return known | {name: _encoded(_bytes(number)) for name, number in (("n", numbers.n), ("e", numbers.e))}


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _part(said: dict[str, Any]) -> str:
    return _encoded(json.dumps(said).encode())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
