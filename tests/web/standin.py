"""Stands in for the platform in the widget's browser tests: its CDN, its sessions, and a chat that fails on demand.

It speaks the contract that the widget relies on (sessions, server-sent events, problem documents, idempotency keys)
and keeps what it was sent, so that a test can say what must have happened on the wire.
"""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from functions.shared.contracts import AgentRead
from functions.widgets import public_files
from functions.widgets.models import NewWidget, Texts, Theme
from local import demo

ROOT = Path(__file__).resolve().parent.parent.parent
BUILT = ROOT / "dist" / "widget"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WIDGET = "wgt_01jb2v7k9m4n5p6q7r8s9t0v1w"

ANSWER = "A **professional cleaning** costs $95 [1].\n\n- It takes 40 minutes\n- Twice a year is enough"
SOURCE = {"number": 1, "title": "Price list 2026", "url": "https://linden.example/prices", "item_id": "kno_1"}

AVATAR = "/v1/avatars/mia.svg"
PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="green"/></svg>'
)

OWNER = NewWidget(
    agent_id="agt_1",
    theme=Theme(name="forest"),
    texts={
        "en": Texts(
            greeting="Hello! Ask me about treatments, prices and appointments.",
            away="Our assistant is resting. Please call +1 555 0100.",
            privacy_notice="Answers come from an AI. [Privacy](https://linden.example/privacy)",
        ),
        "ar": Texts(greeting="مرحبا! كيف يمكنني مساعدتك؟"),
    },
    languages=["en", "de", "ar"],
    suggested_questions=["What does a cleaning cost?", "Do you have time this week?", "I am afraid of the dentist"],
)
"""What the owner of the demo's widget has saved."""


def public_file(origin: str, owner: NewWidget) -> dict[str, Any]:
    """The public file of the owner's widget, as widgets-api writes it, with every address at `origin`."""
    agent = AgentRead(name="Linden Dental", created_at=NOW, updated_at=NOW)
    return {**public_files.content(WIDGET, owner, agent), "api_url": origin, "chat_url": origin}


@dataclass
class Turn:
    """How one attempt of a turn goes; `Standin.plan` holds those that differ from a plain answer."""

    text: str = ANSWER
    status: int = 200
    code: str = ""
    retry_after: int | None = None
    """The events after the answer's text."""
    action: str = ""
    """Cut the connection, `rudely` by a reset, after so many pieces of the text."""
    cut_after: int | None = None
    rudely: bool = False
    """Wait for `Standin.go` after so many pieces."""
    hold_after: int | None = None
    error: str = ""
    whole: bool = False


@dataclass
class Standin:
    """The running server, what it was asked, and what it will do next."""

    origin: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    plan: list[Turn] = field(default_factory=list)
    running: dict[str, int] = field(default_factory=dict)
    stored: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    tokens: int = 0
    session_status: int = 200
    """What a wish for a person is answered outside business hours."""
    closed: str | None = None
    dead_tokens: set[str] = field(default_factory=set)
    go: threading.Event = field(default_factory=threading.Event)

    def asked(self, method: str, path: str) -> list[Any]:
        """The bodies of the requests of one kind, in order."""
        return [body for m, p, _, body in list(self.requests) if (m, p) == (method, path)]

    def keys(self) -> list[str]:
        """The idempotency keys of all attempts of turns, in order."""
        return [
            headers["idempotency-key"]
            for method, path, headers, _ in list(self.requests)
            if (method, path) == ("POST", "/api/chat")
        ]


def pieces(text: str) -> list[str]:
    """The text as a model would stream it: word by word."""
    return [word + " " for word in text.split(" ")][:-1] + text.split(" ")[-1:]


class Handler(BaseHTTPRequestHandler):
    """Answers for the Standin that `server.standin` holds."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    @property
    def standin(self) -> Standin:
        return self.server.standin

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the requests are in `Standin.requests`."""

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.cors()
        self.send_header("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
        self.send_header("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def cors(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Expose-Headers", "Retry-After")

    def answer(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.cors()
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def json(self, status: int, value: Any) -> None:
        self.answer(status, json.dumps(value).encode())

    def problem(self, status: int, code: str, retry_after: int | None = None) -> None:
        body = json.dumps({"type": "about:blank", "title": code, "status": status, "code": code}).encode()
        extra = {} if retry_after is None else {"Retry_After": str(retry_after)}
        self.answer(status, body, "application/problem+json", **extra)

    def note(self, method: str) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        path = self.path.split("?")[0]
        self.standin.requests.append((method, path, {k.lower(): v for k, v in self.headers.items()}, body))
        return body

    def do_GET(self) -> None:
        self.note("GET")
        name = self.path.removeprefix("/v1/")
        if self.path == f"/v1/w/{WIDGET}.json":
            self.json(200, self.standin.config)
        elif self.path == AVATAR:
            self.answer(200, PICTURE, "image/svg+xml")
        elif self.path == "/api/chat":
            if self.allowed():
                messages = json.loads(self.standin.stored.get("history", "[]"))
                self.json(200, {"conversation_id": "cnv_1" if messages else None, "messages": messages})
        elif (path := BUILT / "v1" / name).is_file() and "/" not in name:
            kind = "application/json" if path.suffix == ".json" else "text/javascript"
            self.answer(200, path.read_bytes(), kind)
        else:
            self.problem(404, "not_found")

    def allowed(self) -> bool:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.standin.dead_tokens:
            return True
        self.problem(401, "unauthenticated")
        return False

    def do_POST(self) -> None:
        body = self.note("POST")
        if self.path == f"/api/widgets/{WIDGET}/sessions":
            self.session()
        elif not self.allowed():
            return
        elif self.path == "/api/chat":
            self.chat(body)
        elif self.path in ("/api/chat/feedback", "/api/chat/lead"):
            self.answer(204, b"")
        elif self.path == "/api/chat/hand-off":
            self.json(200, {"is_open": not self.standin.closed, "message": self.standin.closed})
        else:
            self.problem(404, "not_found")

    def session(self) -> None:
        if self.standin.session_status != 200:
            self.problem(self.standin.session_status, "origin_not_allowed")
            return
        self.standin.tokens += 1
        token = f"token-{self.standin.tokens}"
        expires = "2099-01-01T00:00:00Z"
        self.json(200, {"token": token, "expires_at": expires, "session_id": "ses_1", "visitor_id": "vis_1"})

    def chat(self, body: dict[str, Any]) -> None:
        standin = self.standin
        key = self.headers["Idempotency-Key"]
        if standin.running.get(key):
            # The turn goes on without its listener for this many looks.
            standin.running[key] -= 1
            self.problem(409, "turn_in_progress", 0)
            return
        turn = Turn(standin.stored[key]) if key in standin.stored else (standin.plan.pop(0) if standin.plan else Turn())
        if turn.status != 200:
            self.problem(turn.status, turn.code, turn.retry_after)
            return
        if turn.cut_after is not None:
            standin.running[key] = 1
        standin.stored[key] = turn.text
        history = json.loads(standin.stored.get("history", "[]"))
        if turn.cut_after is None:
            history += [
                {"role": "visitor", "text": body["message"]},
                {"role": "agent", "message_id": "msg_1", "text": turn.text, "sources": [SOURCE]},
            ]
            standin.stored["history"] = json.dumps(history)
        if turn.whole:
            whole = {
                "message": {"role": "agent", "message_id": "msg_1", "text": turn.text},
                "sources": [SOURCE],
                "conversation_id": "cnv_1",
            }
            self.json(200, whole)
            return
        self.stream(turn)

    def stream(self, turn: Turn) -> None:
        self.send_response(200)
        self.cors()
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event("start", {"turn_id": "trn_1", "conversation_id": "cnv_1"})
        for count, piece in enumerate(pieces(turn.text)):
            if count == turn.hold_after:
                assert self.standin.go.wait(30)
            if count == turn.cut_after:
                self.cut(turn.rudely)
                return
            self.event("delta", {"text": piece})
            self.chunk(": heartbeat\n\n")
        if turn.error:
            self.event("error", {"status": 502, "code": turn.error})
        else:
            self.event("sources", {"sources": [SOURCE]})
            if turn.action:
                self.event("action", {"type": turn.action})
            self.event("usage", {"input_tokens": 10, "output_tokens": 20})
            self.event("done", {"turn_id": "trn_1", "message_id": "msg_1", "conversation_id": "cnv_1"})
        self.wfile.write(b"0\r\n\r\n")

    def cut(self, rudely: bool) -> None:
        self.close_connection = True
        if rudely:
            # Linger of zero seconds: the connection ends by a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            self.wfile.write(b"0\r\n\r\n")

    def event(self, name: str, data: dict[str, Any]) -> None:
        self.chunk(f"event: {name}\ndata: {json.dumps(data)}\n\n")

    def chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """A server that knows its Standin and is not troubled by browsers that leave."""

    daemon_threads = True
    standin: Standin

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that closes in mid-answer is part of the game."""


@contextmanager
def serving(httpd: ThreadingHTTPServer) -> Iterator[str]:
    """Run `httpd` in a thread and give its origin."""
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def platform() -> Iterator[Standin]:
    """A running stand-in with the default widget."""
    httpd = Server(("localhost", 0), Handler)
    httpd.standin = Standin()
    with serving(httpd) as origin:
        httpd.standin.origin = origin
        httpd.standin.config = public_file(origin, OWNER)
        yield httpd.standin


@contextmanager
def site(
    standin: Standin, attributes: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The demo page on an origin of its own, with the one script tag; `headers` as a stricter site sends them."""
    tag = demo.script_tag(f"{standin.origin}/v1/widget.js", WIDGET, attributes)
    httpd = demo.server("localhost", 0, tag, headers)
    with serving(httpd) as origin:
        yield origin
