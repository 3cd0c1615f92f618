"""A customer's address leads to the public internet or nowhere, and no answer, however slow or large, holds us up."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.dashboard import outgoing
from functions.shared import clock
from tests.functions.dashboard.receiving import certificate, raw_server, receiver

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
]
PUBLIC = ["93.184.215.14", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.fixture(autouse=True)
def fresh_tls() -> Iterator[None]:
    outgoing._tls.cache_clear()
    yield
    outgoing._tls.cache_clear()


class Names:
    """A name service that gives prepared answers in turn and remembers how often it was asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [self._entry(address, port) for address in answer]

    def _entry(self, address: str, port: int) -> Any:
        six = ":" in address
        where = (address, port, 0, 0) if six else (address, port)
        return (socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)


def error(url: str, **more: Any) -> str:
    with pytest.raises(outgoing.Unreachable) as refused:
        outgoing.post(url, b"{}", {}, **more)
    return refused.value.error


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_in_every_disguise(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not outgoing.public(address)
    monkeypatch.setattr(socket, "getaddrinfo", Names([address]))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it connected"))
    assert error("https://hooks.example.com/x") == "address_not_allowed"


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert outgoing.public(address)


@given(st.ip_addresses(v=4))
def test_an_address_and_its_mapped_forms_are_judged_alike(address: Any) -> None:
    known = outgoing.public(str(address))
    assert outgoing.public(f"::ffff:{address}") == known
    assert outgoing.public(f"64:ff9b::{int(address) >> 16:x}:{int(address) & 0xFFFF:x}") == known


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
    ],
)
def test_ways_to_write_this_machine_are_refused(url: str) -> None:
    assert error(url) in ("address_not_allowed", "name_not_found")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com/\r\nX-Evil: 1",
        "https://hooks.example.com/ x",
        "https://",
        "https://hooks.example.com:99999/",
    ],
)
def test_what_is_no_address_of_ours_to_call_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it asked for a name"))
    assert error(url) == "url_not_allowed"


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names(["93.184.215.14", "127.0.0.1"]))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it connected"))
    assert error("https://hooks.example.com/") == "address_not_allowed"


def test_a_name_that_changes_after_it_was_looked_at_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second answer would be this machine, and nobody asks for it."""
    names, reached = Names(["93.184.215.14"], ["127.0.0.1"]), []

    def connect(_: socket.socket, where: Any) -> None:
        reached.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", names)
    monkeypatch.setattr(socket.socket, "connect", connect)
    assert error("https://hooks.example.com/") == "connection_failed"
    assert (names.asked, reached) == (["hooks.example.com"], [("93.184.215.14", 443)])


def test_the_name_is_kept_for_tls_and_host_while_the_address_is_fixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = certificate(tmp_path, "hooks.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]))
    with receiver(tls=tls, name="hooks.example.com") as there:
        answered = outgoing.post(there.url + "?a=1", b'{"x":1}', {"webhook-id": "evt_1"}, allow_private=True)
        assert answered.status == 204
        (path, headers, body) = there.got[0]
        assert (path, body) == ("/hook?a=1", b'{"x":1}')
        assert headers["Host"] == there.url.split("/")[2]
        assert headers["webhook-id"] == "evt_1"


def test_a_certificate_of_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = certificate(tmp_path, "other.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setattr(socket, "getaddrinfo", Names(["127.0.0.1"]))
    with receiver(tls=tls, name="hooks.example.com") as there:
        assert error(there.url, allow_private=True) == "tls_failed"
        assert there.got == []


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiver() as inside, receiver() as there:
        there.answers = [(307, {"Location": inside.url})]
        assert outgoing.post(there.url, b"{}", {}, allow_private=True).status == 307
        assert inside.got == []


def test_a_receivers_wish_to_wait_is_read_and_nonsense_is_not() -> None:
    with receiver() as there:
        there.answers = [(503, {"Retry-After": "120"}), (503, {"Retry-After": "later"}), 503]
        found = [outgoing.post(there.url, json.dumps({}).encode(), {}, allow_private=True) for _ in range(3)]
    assert [one.retry_after for one in found] == [120, None, None]


def test_an_answer_in_drips_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 0.5)
    started = clock.monotonic()
    with raw_server(*[bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\n" * 10], every=0.05) as port:
        assert error(f"http://127.0.0.1:{port}/", allow_private=True) == "timeout"
    assert clock.monotonic() - started < 5


def test_an_answer_without_end_is_read_to_its_limit_and_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 5.0)
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 50) as port:
        started = clock.monotonic()
        assert outgoing.post(f"http://127.0.0.1:{port}/", b"{}", {}, allow_private=True).status == 200
        assert clock.monotonic() - started < 3


@pytest.mark.parametrize("answer", [b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 30_000])
def test_what_is_no_http_is_a_bad_answer(answer: bytes) -> None:
    with raw_server(answer) as port:
        assert error(f"http://127.0.0.1:{port}/", allow_private=True) == "bad_answer"


def test_nobody_at_home_and_no_such_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert error(f"http://127.0.0.1:{port}/", allow_private=True) == "connection_failed"
    assert error("https://no-such-name.invalid/") == "name_not_found"
