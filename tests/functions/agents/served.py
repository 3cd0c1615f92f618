"""agents-chat as it is deployed: the real functions-framework in a process of its own, called as the gateway calls it."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.shared import clock
from local.process import free_port
from tests.cloud import PROJECT
from tests.engines import ROOT
from tests.functions.agents.talking import ORIGIN, Visitor
from tests.functions.shared.http.callers import invoker, userinfo

ADDRESS = "http://agents-chat.test"


def account(name: str) -> str:
    return f"agenthub-{name}@{PROJECT}.iam.gserviceaccount.com"


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


class Served:
    """One running deployment; the environment is that of the `talking` fixture."""

    def __init__(self) -> None:
        self.port = free_port()
        source = Path(ROOT) / "functions" / "agents" / "main.py"
        target = ["--target", "agents_chat", "--source", str(source), "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "functions_framework", *target],
            start_new_session=True,
            env={
                **os.environ,
                "DEPLOYMENT": "agents-chat",
                "AGENTS_CHAT_URL": ADDRESS,
                "CALLERS": account("gateway"),
                "THREADS": "4",
                "PYTHONPATH": str(ROOT),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ends = clock.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None, "the server ended"
                assert clock.monotonic() < ends, "the server does not answer"
                select.select([], [], [], 0.05)

    def open(self, visitor: Visitor, message: str, *, key: str, accept: str = "text/event-stream") -> socket.socket:
        """Ask as this visitor; the connection is the caller's to read and to close."""
        claims = {
            "iss": account("visitors"),
            "aud": "agenthub-visitors",
            "sub": visitor.subject,
            "exp": clock.now().timestamp() + 1800,
            "workspace_id": str(visitor.workspace),
            "widget_id": visitor.widget,
            "agent_id": visitor.agent,
            "session_id": visitor.session,
            "origin": ORIGIN,
        }
        content = json.dumps({"message": message}).encode()
        headers = {
            **invoker("gateway", email=account("gateway"), aud=ADDRESS),
            **userinfo(claims),
            "Accept": accept,
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Idempotency-Key": key,
            "Connection": "close",
            "Host": "localhost",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(f"POST /api/chat HTTP/1.1\r\n{head}\r\n".encode() + content)
        return connection

    def ask(self, visitor: Visitor, message: str, *, key: str) -> Answer:
        """A whole turn as JSON."""
        with self.open(visitor, message, key=key, accept="application/json") as connection:
            content = b""
            while piece := connection.recv(65536):
                content += piece
        head, _, body = content.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        return Answer(int(lines[0].split()[1]), json.loads(body), headers)

    def logged(self, message: str) -> dict[str, Any]:
        """The next log line with this message; waits for it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            if found.get("message") == message:
                return found
        raise AssertionError(f"the server ended without saying {message!r}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop master and workers; with SIGKILL as a crash would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    content = b""
    while mark not in content:
        piece = connection.recv(65536)
        assert piece, f"ended without {mark!r}: {content[-500:]!r}"
        content += piece
    return content
