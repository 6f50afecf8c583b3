"""Where a schema registry is and how we prove who we are; the rule that nothing travels unencrypted.

Talking to it belongs to the module of each registry, choosing that module to `opened`.
"""

import base64
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dataeng_assets.kafka.registry.errors import InsecureRegistry

# a header takes nothing else, and the library's own refusal would print the secret
_HEADER_TEXT = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class RegistryAddress:
    """Address and security of one registry with the Confluent REST interface.

    Attributes:
        url: where its interface begins: `https://registry.example.com`; without user and password.
        username: of basic authentication.
        password: of basic authentication; never printed.
        token: of bearer authentication, instead of the two; never printed.
        ca_file: PEM file of the authority that signed the registry's certificate; the system's when empty.
        certificate_file: PEM file of the client's certificate.
        key_file: PEM file of the client's key.
        allow_plaintext: whether http is accepted: in the local environment only.

    Raises:
        InsecureRegistry: the connection would be unencrypted or half configured.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    allow_plaintext: bool = False

    def __post_init__(self) -> None:
        refusal = self._refusal()
        if refusal:
            # where a secret may stand, nothing is shown
            shown = "" if set("@?#") & set(self.url) else f" at {self.url}"
            raise InsecureRegistry(f"The schema registry{shown}: {refusal} Nothing was connected to.")

    def _refusal(self) -> str:
        parts = urlsplit(self.url)
        if set("@?#") & set(self.url):
            return "an address holds no user, password or query, for it is shown; give them in variables of their own."
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return "the address is none; write https://host:port."
        if parts.scheme == "http" and not self.allow_plaintext:
            return "http is allowed in the local environment only (DATAENG_ENV=local); use https."
        return self._half_configured()

    def _half_configured(self) -> str:
        if bool(self.username) != bool(self.password):
            return "a user name goes with a password; one of them is missing."
        if self.token and self.username:
            return "there are a token and a user name; give one of them."
        if self.token and not _HEADER_TEXT.fullmatch(self.token):
            return "the token holds a character that no token has, such as a blank or a line break."
        if bool(self.certificate_file) != bool(self.key_file):
            return "a client certificate goes with its key; one of the two files is missing."
        return ""

    def headers(self) -> dict[str, str]:
        """The headers that say who we are; not to be printed."""
        if self.token:
            return {"Authorization": f"Bearer {self.token}"}
        if not self.username:
            return {}
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def tls(self) -> ssl.SSLContext:
        """How the registry's certificate and host name are checked, and ours is shown.

        Raises:
            InsecureRegistry: a file is missing, or is not what it should be.
        """
        for file in filter(None, (self.ca_file, self.certificate_file, self.key_file)):
            if not Path(file).is_file():
                raise InsecureRegistry(f"The schema registry at {self.url}: there is no file {file}. Give another.")
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except (ssl.SSLError, OSError) as error:
            files = ", ".join(filter(None, (self.ca_file, self.certificate_file, self.key_file)))
            raise InsecureRegistry(
                f"The schema registry at {self.url}: {files} cannot be used for TLS ({error.strerror or error}). "
                "Nothing was connected to. Give PEM files; certificate and key must belong together."
            ) from None
        return context
