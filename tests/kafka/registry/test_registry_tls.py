"""A registry behind TLS: its certificate and host name are checked, and ours is shown."""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dataeng_assets.kafka.registry import confluent
from dataeng_assets.kafka.registry.address import RegistryAddress
from dataeng_assets.kafka.registry.confluent import ConfluentRegistry
from dataeng_assets.kafka.registry.errors import InsecureRegistry, RegistryUnreachable
from dataeng_assets.kafka.registry.schemas import Kind
from dataeng_assets.local.certificates import authority, signed


@dataclass(frozen=True)
class Files:
    """Where certificates and keys lie."""

    folder: Path
    port: int

    def __call__(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def behind_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """A server at 127.0.0.1, not at localhost, that wants a certificate of its client."""
    folder = tmp_path_factory.mktemp("tls")
    ours, others = authority("ours"), authority("others")
    for name, one in {
        "server": signed(ours, "registry", hosts=["127.0.0.1"]),
        "client": signed(ours, "client"),
        "stranger": signed(others, "client"),
    }.items():
        (folder / f"{name}.pem").write_bytes(one.pem)
        (folder / f"{name}.key").write_bytes(one.key_pem())
    (folder / "ours.pem").write_bytes(ours.pem)
    (folder / "others.pem").write_bytes(others.pem)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"schema": "1", "schemaType": "JSON"}')

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ours.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # refused handshakes are what is tested
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield Files(folder, httpd.server_port)
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confluent, "_FIRST_PAUSE_SECONDS", 0.01)


def asked(files: Files, *, host: str = "127.0.0.1", ca: str = "ours.pem", client: str = "client") -> ConfluentRegistry:
    known = RegistryAddress(
        f"https://{host}:{files.port}",
        ca_file=ca and files(ca),
        certificate_file=client and files(f"{client}.pem"),
        key_file=client and files(f"{client}.key"),
    )
    return ConfluentRegistry(known)


def test_the_right_certificates_are_enough(behind_tls: Files) -> None:
    assert asked(behind_tls).by_id(1).kind is Kind.JSON


@pytest.mark.parametrize(
    "wrong",
    [{"ca": "others.pem"}, {"ca": ""}, {"host": "localhost"}],
    ids=["signed by another authority", "not trusted by the system", "another host"],
)
def test_a_registry_that_cannot_prove_itself_is_asked_nothing(behind_tls: Files, wrong: dict[str, str]) -> None:
    with pytest.raises(InsecureRegistry, match="no certificate that can be trusted"):
        asked(behind_tls, **wrong).by_id(1)


@pytest.mark.parametrize("client", ["stranger", ""])
def test_who_cannot_prove_himself_gets_no_answer(behind_tls: Files, client: str) -> None:
    # TLS 1.3 tells a client only after its request was sent, or just hangs up
    with pytest.raises((InsecureRegistry, RegistryUnreachable)):
        asked(behind_tls, client=client).by_id(1)


def test_files_that_are_missing_or_do_not_belong_together_are_named(behind_tls: Files) -> None:
    address = f"https://127.0.0.1:{behind_tls.port}"
    client, key = behind_tls("client.pem"), behind_tls("stranger.key")
    for how, told in (
        ({"ca_file": "/nowhere.pem"}, "no file /nowhere.pem"),
        ({"ca_file": key}, "cannot be used for TLS"),
        ({"certificate_file": client, "key_file": key}, "cannot be used for TLS"),
    ):
        with pytest.raises(InsecureRegistry, match=told):
            ConfluentRegistry(RegistryAddress(address, **how))
