"""Real recipients of notifications: a mail server and a webhook on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dataeng_assets.local.process import choose_port

SECRET = "s3cret-of-the-webhook"


@dataclass
class Mailbox:
    """A mail server; what it got, and whether it takes more."""

    port: int = 0
    takes: bool = True
    subjects: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    readers: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"mailto://localhost:{self.port}?from=data@example.com&to=team@example.com"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if not self.takes:
            return "451 not now"
        message = message_from_bytes(envelope.content, policy=default)
        part = message.get_body(("plain", "html"))
        self.subjects.append(str(message["Subject"]))
        self.bodies.append(part.get_content() if part else "")
        self.readers.append(tuple(envelope.rcpt_tos))
        return "250 taken"


@dataclass
class Hook:
    """A web server; what was posted to it, and what it answers."""

    port: int = 0
    status: int = 200
    posts: list[dict[str, Any]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"json://localhost:{self.port}/{SECRET}"

    @property
    def titles(self) -> list[str]:
        return [str(post["title"]) for post in self.posts]


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox(choose_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@contextmanager
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if found.status == 200:
                found.posts.append(said)
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
