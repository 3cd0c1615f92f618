"""Server-sent events over a real socket, behind the server that is deployed: gunicorn's threads."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from functions.shared import clock
from local.process import free_port
from tests.functions.shared.http.callers import Someone, visitor
from tests.functions.shared.http.conftest import SOURCE, environment


class Server:
    """The sample function under the framework's own command line."""

    def __init__(self, firestore_host: str, *arguments: str) -> None:
        self.port = free_port()
        target = ["--target", "sample_api", "--source", str(SOURCE), "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "functions_framework", *target, *arguments],
            start_new_session=True,
            env={**os.environ, **environment(firestore_host), "THREADS": "4", "PYTHONPATH": os.getcwd()},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ends = clock.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None, "the server ended"
                assert clock.monotonic() < ends, "the server does not answer"
                select.select([], [], [], 0.05)

    def ask(self, someone: Someone, body: dict[str, Any]) -> socket.socket:
        content = json.dumps(body).encode()
        headers = someone.headers(
            Accept="text/event-stream",
            Content_Type="application/json",
            Content_Length=str(len(content)),
            Idempotency_Key="k1",
            Host="localhost",
        )
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(f"POST /api/chat HTTP/1.1\r\n{head}\r\n".encode() + content)
        return connection

    def logged(self, message: str) -> dict[str, Any]:
        """The next log line with this message; waits for it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found: dict[str, Any] = json.loads(line) if line.startswith("{") else {}
            if found.get("message") == message:
                return found
        raise AssertionError(f"the server ended without saying {message!r}")

    def stop(self) -> None:
        # The development server is two processes; the session is of this server alone.
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server(firestore_host: str) -> Iterator[Server]:
    running = Server(firestore_host)
    yield running
    running.stop()


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    content = b""
    while mark not in content:
        piece = connection.recv(65536)
        assert piece, f"ended without {mark!r}: {content[-500:]!r}"
        content += piece
    return content


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_events_arrive_as_they_are_made(client: FlaskClient) -> None:
    headers = visitor().headers(Accept="text/event-stream", Idempotency_Key="k1")
    answer = client.post("/api/chat", json={"name": "x", "count": 2}, headers=headers)
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"
    names = [name for name, _ in events(answer.text)]
    assert names == ["start", "delta", "delta", "done"]
    assert events(answer.text)[1][1]["name"] == "ä\nö"


def test_the_same_route_gives_json_when_asked(client: FlaskClient) -> None:
    headers = visitor().headers(Accept="application/json", Idempotency_Key="k1")
    assert client.post("/api/chat", json={"name": "x"}, headers=headers).json["name"] == "x"


def test_a_refusal_before_the_stream_is_a_problem(client: FlaskClient) -> None:
    headers = visitor().headers(Accept="text/event-stream", Idempotency_Key="k1")
    answer = client.post("/api/chat", json={"name": "refused"}, headers=headers)
    assert (answer.status_code, answer.content_type) == (402, "application/problem+json")


@pytest.mark.parametrize(("name", "code"), [("broken", "internal"), ("capped", "cap_reached")])
def test_a_failure_within_the_stream_is_an_event(client: FlaskClient, name: str, code: str) -> None:
    headers = visitor().headers(Accept="text/event-stream", Idempotency_Key="k1")
    answer = client.post("/api/chat", json={"name": name}, headers=headers)
    kind, problem = events(answer.text)[-1]
    assert (kind, problem["code"], problem["request_id"]) == ("error", code, answer.headers["X-Request-ID"])
    assert "swordfish" not in answer.text


def test_the_log_line_of_a_stream_counts_what_its_end_did(
    client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = visitor().headers(Accept="text/event-stream", Idempotency_Key="k1")
    client.post("/api/chat", json={"name": "x"}, headers=headers).get_data()
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["route"], line["stream"], line["operations"]) == ("/api/chat", "complete", {"firestore_writes": 4})


def test_a_silent_model_does_not_silence_the_connection(server: Server) -> None:
    connection = server.ask(visitor(), {"name": "silent"})
    content = read_until(connection, b": still here\n\n")
    assert b"X-Accel-Buffering: no" in content
    connection.close()
    assert server.logged("settled")["seconds"] < 10


def test_a_client_that_leaves_a_silent_stream_ends_it_at_once(server: Server) -> None:
    connection = server.ask(visitor(), {"name": "silent"})
    read_until(connection, b"event: delta")
    left = clock.monotonic()
    connection.close()
    server.logged("settled")
    assert clock.monotonic() - left < 5
    assert server.logged("POST /api/chat 200")["stream"] == "client_left"


def test_a_client_that_leaves_a_flowing_stream_ends_it_at_once(server: Server) -> None:
    connection = server.ask(visitor(), {"name": "endless"})
    read_until(connection, b"event: delta")
    connection.close()
    server.logged("settled")
    line = server.logged("POST /api/chat 200")
    assert (line["stream"], line["operations"]) == ("client_left", {"firestore_writes": 4})


def test_a_client_that_is_gone_before_the_first_event_still_gets_the_stream_settled(server: Server) -> None:
    server.ask(visitor(), {"name": "silent"}).close()
    server.logged("settled")


def test_the_development_server_ends_streams_too(firestore_host: str) -> None:
    server = Server(firestore_host, "--debug")
    try:
        connection = server.ask(visitor(), {"name": "silent"})
        read_until(connection, b": still here\n\n")
        connection.close()
        server.logged("settled")
    finally:
        server.stop()
