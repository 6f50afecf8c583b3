"""Tokens with which a client proves who it is to a broker (OAUTHBEARER): from a function of yours, or an OIDC server.

How a client hands one over belongs in `cluster`.
"""

import base64
import importlib
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dataeng_assets.kafka.errors import TokenMissing
from dataeng_assets.kafka.secret import Secret

_FRESH_SECONDS = 30  # a token is asked for anew so long before it ends
_TIMEOUT_SECONDS = 15
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Token:
    """A token, and the second since 1970 at which it ends."""

    value: str = field(repr=False)
    ends: float


Source = Callable[[], Token]


def kept(source: Source) -> Source:
    """A source that asks again only when the last token is about to end; for use by several threads."""
    lock, last = threading.Lock(), list[Token]()

    def token() -> Token:
        with lock:
            if not last or last[0].ends - time.time() < _FRESH_SECONDS:
                last[:] = [source()]
            return last[0]

    return token


def provided(path: str) -> Source:
    """Tokens from a function, which returns the token and the second since 1970 at which it ends.

    Args:
        path: `package.module:function`.

    Raises:
        TokenMissing: there is no such function.
    """
    module, _, name = path.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise TokenMissing(
            f"The token provider {path} cannot be imported: {error}. Nothing was connected to. Write "
            "`package.module:function` of a function that the code location can import."
        ) from error

    def source() -> Token:
        try:
            value, ends = function()
            return Token(Secret(value), float(ends))
        except Exception as error:  # noqa: BLE001  # a function of the user's may fail in any way
            # its text may hold what it was given
            raise TokenMissing(
                f"The token provider {path} failed with {type(error).__name__}. Nothing was read and nothing was "
                "committed. Call it by itself to see why; it returns (token, second since 1970 at which it ends)."
            ) from None

    return source


def client_credentials(url: str, client: str, secret: str, scope: str, ca_file: str) -> Source:
    """Tokens from an OIDC server, by the grant of client credentials (RFC 6749, 4.4).

    Args:
        url: its token endpoint.
        client: the client's id.
        secret: the client's secret.
        scope: what is asked for; nothing when empty.
        ca_file: PEM file of the authority that signed the server's certificate; the system's when empty.
    """

    def source() -> Token:
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        pair = f"{urllib.parse.quote(client, safe='')}:{urllib.parse.quote(Secret(secret).reveal(), safe='')}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}", "Content-Type": _FORM}
        body = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, body, headers)  # noqa: S310  # the address is the declaration's
        try:
            answer = _answer(request, ca_file)
            return Token(Secret(answer["access_token"]), time.time() + float(answer["expires_in"]))
        except urllib.error.HTTPError as error:
            raise _refused(url, f"answered {error.code}", "Check the client's id, its secret and the scope.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            cause = getattr(error, "reason", None) or type(error).__name__
            raise _refused(url, f"gave no token ({cause})", "Check `token_url` and `ca_file`.") from None

    return source


def _answer(request: urllib.request.Request, ca_file: str) -> Any:
    context = ssl.create_default_context(cafile=ca_file or None)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=context) as response:  # noqa: S310  # an address that was declared
        return json.load(response)


def _refused(url: str, what: str, step: str) -> TokenMissing:
    return TokenMissing(f"The token server {url} {what}. Nothing was read and nothing was committed. {step}")
