"""The mail server takes what Python's own client sends, keeps it to the byte, and survives those who misbehave."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from local.mail import smtp
from tests.engines import Engine, start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = start("mail", tmp_path_factory.mktemp("mail") / "data")
    yield engine
    engine.kill()


def mails(server: Engine) -> list[bytes]:
    return [path.read_bytes() for path in sorted(server.data.glob("*.eml"))]


def send(server: Engine, text: bytes, to: str = "bob@example.com") -> None:
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        client.sendmail("ann@example.com", [to], text)


def test_a_mail_is_kept_as_it_came_and_as_a_person_reads_it(server: Engine) -> None:
    text = (
        b"From: ann@example.com\r\nTo: bob@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n.dot\r\nline\r\n"
    )
    send(server, text)
    assert mails(server)[-1] == text
    readable = sorted(server.data.glob("*.txt"))[-1].read_text("utf-8")
    assert readable == "From: ann@example.com\nTo: bob@example.com\nSubject: Grüße\n\n.dot\nline\n"


def test_two_mails_on_one_connection_are_two_files(server: Engine) -> None:
    before = len(mails(server))
    with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as client:
        for number in range(2):
            client.sendmail("ann@example.com", ["bob@example.com"], f"Subject: {number}\r\n\r\nx\r\n".encode())
        assert client.noop()[0] == 250
        assert client.rset()[0] == 250
    assert len(mails(server)) == before + 2


def test_a_mail_that_is_too_large_is_refused(server: Engine) -> None:
    before = len(mails(server))
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        client.helo("me")  # Without the size being told first.
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@example.com", ["b@example.com"], (b"x" * 998 + b"\r\n") * (smtp.LARGEST // 1000 + 10))
    assert refused.value.smtp_code == 552
    assert len(mails(server)) == before


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["RCPT TO:<bob@example.com>"], "503"),
        (["MAIL FROM:<ann@example.com>", "RCPT TO:nobody"], "501"),
        (["DATA"], "503"),
        (["VRFY bob"], "502"),
    ],
)
def test_what_comes_in_the_wrong_order_or_form_is_refused(server: Engine, lines: list[str], code: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        file = client.makefile("rwb")
        assert file.readline().startswith(b"220")
        for line in lines:
            file.write(line.encode() + b"\r\n")
            file.flush()
            answer = file.readline().decode()
        assert answer.startswith(code)
        file.close()


@pytest.mark.parametrize("noise", [b"", b"\x16\x03\x01" + b"\x00" * 200_000, b"DATA\r\n", b"MAIL FROM:<a@b.c>\r\n"])
def test_who_leaves_in_the_middle_harms_nobody(server: Engine, noise: bytes) -> None:
    before = len(mails(server))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(noise)
    send(server, b"Subject: after\r\n\r\nx\r\n")
    assert len(mails(server)) == before + 1


def test_mails_are_for_this_user_alone(server: Engine) -> None:
    send(server, b"Subject: private\r\n\r\nx\r\n")
    assert {path.stat().st_mode & 0o777 for path in server.data.iterdir()} == {0o600}
