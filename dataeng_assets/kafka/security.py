"""How a declaration says that a client proves who it is: the block `security` of a `defs.yaml`, or a file of the same.

It names secrets and never holds them: each comes from an environment variable or a file, read when a run starts. Which
block is in force belongs in `access`, what a client makes of it in `cluster`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.kafka.cluster import MECHANISMS, Cluster, InsecureCluster
from dataeng_assets.kafka.errors import NotAuthenticated
from dataeng_assets.kafka.secret import Secret
from dataeng_assets.kafka.tokens import Source, client_credentials, kept, provided
from dataeng_assets.settings import ROOT, SettingMissing, variable

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_SECRET_NAME = re.compile(r"passw|secret|token|jaas|credential", re.IGNORECASE)


class Security(BaseModel):
    """How a client and the brokers prove who they are. Certificates and host names are always checked.

    A secret never stands here: it is in an environment variable or a file, read when a run starts.
    """

    # Anything may be given, and `refusal` says what is wrong with it: Pydantic's own errors print what they refuse.
    model_config = ConfigDict(extra="allow", frozen=True)

    protocol: Any = Field("SASL_SSL", description="SASL_SSL, or SSL with a client certificate")
    mechanism: Any = Field("", description=f"of SASL_SSL: {', '.join(MECHANISMS)}")
    username: Any = Field("", description="of PLAIN and SCRAM; of OAUTHBEARER with `token_url`, the client's id")
    password_variable: Any = Field(
        "", description="environment variable that holds the password; with `token_url`, the client's secret"
    )
    password_file: Any = Field("", description="file that holds it, instead of a variable")
    token_provider: Any = Field(
        "",
        description="of OAUTHBEARER: `package.module:function`, called without arguments, which returns a token and "
        "the second since 1970 at which it ends",
    )
    token_url: Any = Field("", description="of OAUTHBEARER: token endpoint of an OIDC server, for client credentials")
    scope: Any = Field("", description="with `token_url`: what the token is for")
    ca_file: Any = Field(
        "", description="PEM file of the authority that signed the brokers' certificates; the system's when empty"
    )
    certificate_file: Any = Field("", description="PEM file of the client's certificate")
    key_file: Any = Field("", description="PEM file of the client's key")
    key_password_variable: Any = Field("", description="environment variable that holds the password of the key")
    key_password_file: Any = Field("", description="file that holds it, instead of a variable")

    def __repr__(self) -> str:
        """Without what was given by mistake."""
        return f"Security(protocol={self.protocol!r}, mechanism={self.mechanism!r})"

    __str__ = __repr__

    @property
    def is_encrypted(self) -> bool:
        """Whether connections are TLS."""
        return bool(self.protocol != "PLAINTEXT")

    def refusal(self) -> str:
        """What is wrong with the block as it stands, without any value that could be a secret; empty when nothing."""
        given = {name: value for name, value in self.model_dump().items() if value != ""}
        for name in self.model_extra or {}:
            return _unknown(name)
        for name, value in given.items():
            if not isinstance(value, str):
                return f"`{name}` is not a text."
        return self._refused_names(given) or self._refused_source(given) or self._refused_shape()

    def _refused_names(self, given: Mapping[str, str]) -> str:
        for name in ("password_variable", "key_password_variable"):
            if name in given and not _VARIABLE.fullmatch(given[name]):
                return f"`{name}` is the name of an environment variable, in capitals, and never the secret itself."
        for name in ("password", "key_password"):
            if {f"{name}_variable", f"{name}_file"} <= given.keys():
                return f"there are `{name}_variable` and `{name}_file`; give one of them."
        return ""

    def _refused_source(self, given: Mapping[str, str]) -> str:
        if self.mechanism != "OAUTHBEARER":
            stray = next((name for name in ("token_provider", "token_url", "scope") if name in given), "")
            return f"`{stray}` belongs to the mechanism OAUTHBEARER alone." if stray else ""
        if len({"token_provider", "token_url"} & given.keys()) != 1:
            return "OAUTHBEARER needs either `token_provider` or `token_url`."
        if self.token_provider and not _FUNCTION.fullmatch(self.token_provider):
            return "`token_provider` is `package.module:function`."
        if "@" in self.token_url or "?" in self.token_url:
            return "`token_url` holds no user, password or query."
        if self.token_url and not (self.username and (self.password_variable or self.password_file)):
            return "`token_url` needs the client's id in `username` and its secret by `password_variable`."
        return ""

    def _refused_shape(self) -> str:
        """What the cluster itself would refuse, were there any address and secrets."""
        try:
            Cluster(
                "address:0",
                **self._plain(),
                password="given" if self.password_variable or self.password_file else "",
                token=self._source("given") if self.mechanism == "OAUTHBEARER" else None,
                allow_plaintext=True,
            )
        except InsecureCluster as error:
            return str(error).removeprefix("Kafka at address:0: ").removesuffix(" Nothing was connected to.")
        except NotAuthenticated as error:
            return str(error)
        return ""

    def cluster(self, bootstrap: str, *, allow_plaintext: bool, reader: str) -> Cluster:
        """The cluster at an address, with its secrets read now.

        Raises:
            InsecureCluster: the block, or what it names, is not enough.
            SettingMissing: a variable or a file of a secret is not there.
        """
        refusal = self.refusal()
        if refusal:
            raise InsecureCluster(f"Kafka at {bootstrap}, `security`: {refusal} Nothing was connected to.")
        if self.token_url and not self.token_url.startswith("https://") and not allow_plaintext:
            raise InsecureCluster(
                f"Kafka at {bootstrap}, `security`: `token_url` is not https, which is allowed in the local "
                "environment only (DATAENG_ENV=local). Nothing was connected to."
            )
        password = _secret("password", self.password_variable, self.password_file)
        return Cluster(
            bootstrap,
            **self._plain(),
            password=password if self.mechanism != "OAUTHBEARER" else "",
            key_password=_secret("key_password", self.key_password_variable, self.key_password_file),
            token=self._source(password) if self.mechanism == "OAUTHBEARER" else None,
            allow_plaintext=allow_plaintext,
            reader=reader,
        )

    def _plain(self) -> dict[str, Any]:
        files = {name: getattr(self, name) for name in ("ca_file", "certificate_file", "key_file")}
        return {
            "protocol": self.protocol,
            "mechanism": self.mechanism,
            "username": self.username,
            **{name: str(ROOT / path) if path else "" for name, path in files.items()},
        }

    def _source(self, secret: str) -> Source:
        if self.token_provider:
            return kept(provided(self.token_provider))
        ca_file = str(ROOT / self.ca_file) if self.ca_file else ""
        return kept(client_credentials(self.token_url, self.username, secret, self.scope, ca_file))


PLAINTEXT = Security(protocol="PLAINTEXT")
"""No security at all, as the local broker of `dataeng up` has it."""


def read_security(path: Path) -> Security:
    """A file with the block `security`.

    Raises:
        SettingMissing: there is no such file.
        InsecureCluster: it is no such block.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingMissing(f"{path}, which says how to log in to Kafka, cannot be read: {error.strerror}.") from error
    except yaml.YAMLError:
        said = None
    if not isinstance(said, dict):
        raise InsecureCluster(
            f"{path} is no YAML with `protocol` and the rest of `security`. Nothing was connected to."
        )
    return Security(**{str(name): value for name, value in said.items()})


def _unknown(name: str) -> str:
    if _SECRET_NAME.search(name):
        kind = "key_password" if "key" in name else "password"
        return (
            f"`{name}` would hold a secret, which never stands in a file of the project: put it into an environment "
            f"variable or a file of its own, name that in `{kind}_variable` or `{kind}_file`, and change the secret."
        )
    return f"`{name}` is not known{did_you_mean(name, list(Security.model_fields))}."


def _secret(name: str, variable_name: str, file: str) -> str:
    if variable_name:
        return Secret(variable(variable_name))
    if not file:
        return ""
    path = ROOT / file
    try:
        found = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingMissing(f"{name}_file {path} cannot be read ({type(error).__name__}).") from None
    if not found:
        raise SettingMissing(f"{name}_file {path} is empty.")
    return Secret(found)
