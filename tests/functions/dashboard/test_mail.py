"""Mails reach the server that SMTP_URL names, say what happened, and carry the event's own Message-ID."""

import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.dashboard import deliveries, letters, mail, notifying, repository
from functions.dashboard.hashes import is_among
from functions.dashboard.mail import Letter
from functions.dashboard.notices import Notice
from functions.shared import clock, config, contracts, firestore, ids, notifications
from functions.shared.contracts import WorkspaceRead
from functions.shared.identity import WorkspaceId
from tests import engines
from tests.cloud import Cloud
from tests.functions.dashboard.receiving import certificate
from tests.functions.dashboard.test_notifying import conversation, issued

NOW = clock.now()
HOME = WorkspaceRead(name="Acme", created_at=NOW)
LETTER = Letter("Hello", "Text", "<p>Text</p>")
TO = ("ann@example.com", "bob@example.com")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engine]:
    """The mail server of the local cloud."""
    engine = engines.start("mail", tmp_path_factory.mktemp("mail"))
    yield engine
    engine.kill()


@pytest.fixture
def sink(cloud: Cloud, server: engines.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where it puts the mails of this test."""
    use(monkeypatch, f"smtp://{server.address}")
    yield server.data
    for old in server.data.iterdir():
        old.unlink()


def use(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    monkeypatch.setenv("MAIL_FROM", "AgentHub <hello@agenthub.example>")
    config.settings.cache_clear()
    mail._say_once.cache_clear()


def received(sink: Path) -> list[Any]:
    found = [path.read_bytes() for path in sorted(sink.glob("*.eml"))]
    return [email.message_from_bytes(one, policy=email.policy.default) for one in found]


def test_a_notification_is_mailed_once_to_those_who_want_it_told(cloud: Cloud, sink: Path) -> None:
    workspace = cloud.workspace(name="Zahnärzte am Park", alert_emails=list(TO))
    event = issued(workspace)
    for _ in range(2):
        notifying.take(event, NOW)
    (got,) = received(sink)
    assert got["To"] == "ann@example.com, bob@example.com"
    assert got["From"] == "AgentHub <hello@agenthub.example>"
    assert got["Subject"] == "[Zahnärzte am Park] Invoice ACME-2026-0001: 12.34 USD"
    assert got["Message-ID"] == f"<{event.id[:30]}@agenthub.example>"
    plain = got.get_body(("plain",)).get_content()
    assert "Your invoice ACME-2026-0001 is there." in plain
    assert "Amount: 12.34 USD" in plain
    assert "Your invoice ACME-2026-0001 is there." in got.get_body(("html",)).get_content()
    (text,) = sink.glob("*.txt")
    assert "Subject: [Zahnärzte am Park] Invoice" in text.read_text("utf-8")
    assert text.stat().st_mode & 0o777 == 0o600
    kept = firestore.get(repository.mail_path(workspace, event.id)).data
    assert (kept["state"], kept["webhook_id"]) == ("delivered", None)
    assert "ann@example.com" not in str(kept) and "12.34" not in str(kept)


def test_a_mail_killed_before_its_mark_comes_again_with_the_same_message_id(
    cloud: Cloud, sink: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = issued(cloud.workspace(alert_emails=list(TO)))

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(deliveries, "note", killed)
        notifying.take(event, NOW)
    notifying.work_off(NOW + deliveries.LEASE)
    assert [got["Message-ID"] for got in received(sink)] == [f"<{event.id[:30]}@agenthub.example>"] * 2


def test_a_server_that_is_away_is_tried_again_by_the_clock(
    cloud: Cloud, sink: Path, server: engines.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = cloud.workspace(alert_emails=list(TO))
    event = issued(workspace)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    use(monkeypatch, f"smtp://127.0.0.1:{port}")
    notifying.take(event, NOW)
    kept = firestore.get(repository.mail_path(workspace, event.id)).data
    assert (kept["state"], kept["attempts"][0]["error"]) == ("pending", "connection_failed")
    use(monkeypatch, f"smtp://{server.address}")
    notifying.work_off(kept["due_at"])
    assert len(received(sink)) == 1


def test_nobody_who_wants_it_no_mail_and_without_a_server_the_log_says_so_once(
    cloud: Cloud, sink: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notifying.take(issued(cloud.workspace()), NOW)
    monkeypatch.delenv("SMTP_URL")
    config.settings.cache_clear()
    workspace = cloud.workspace(alert_emails=list(TO))
    capsys.readouterr()
    for _ in range(2):
        event = issued(workspace)
        notifying.take(event, NOW)
        assert not firestore.get(repository.mail_path(workspace, event.id)).exists
    assert received(sink) == []
    assert capsys.readouterr().out.count("No mails are sent: set SMTP_URL and MAIL_FROM.") == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://mail.test", "SMTP_URL is"),
        ("smtp://ann:secret@mail.test", "in the clear"),
        ("smtp:///", "SMTP_URL is"),
    ],
)
def test_a_setting_that_cannot_work_sends_nothing_and_says_why(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str, words: str
) -> None:
    use(monkeypatch, url)
    assert not mail.is_set_up()
    assert mail.send(LETTER, TO, "evt_1").error == "not_set_up"
    out = capsys.readouterr().out
    assert words in out and "secret" not in out


@contextmanager
def speaking(*replies: str, tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """A server that says these lines, one after each line it hears, and remembers what it heard."""
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        connection, _ = listener.accept()
        with tls.wrap_socket(connection, server_side=True) if tls else connection as stream:
            file = stream.makefile("rwb")
            for reply in replies:
                file.write(reply.encode() + b"\r\n")
                file.flush()
                heard.append(file.readline().decode().strip())
            file.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], heard
    finally:
        thread.join()
        listener.close()


@pytest.mark.parametrize(("code", "final"), [(550, True), (450, False)])
def test_who_refuses_every_recipient_for_good_is_not_asked_again(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, code: int, final: bool
) -> None:
    with speaking("220 hi", "250 hi", "250 ok", f"{code} no", "250 reset", "221 bye") as (port, _):
        use(monkeypatch, f"smtp://127.0.0.1:{port}")
        result = mail.send(LETTER, TO[:1], "evt_1")
    assert (result.ok, result.error, result.status, result.final) == (False, "recipients_refused", code, final)


def test_a_refused_login_alarms_without_the_password(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with speaking("220 hi", "250-hi\r\n250 AUTH PLAIN", "535 no", "221 bye", tls=tls) as (port, heard):
        use(monkeypatch, f"smtps://ann%40example.com:p%2Fw@127.0.0.1:{port}")
        result = mail.send(LETTER, TO, "evt_1")
    assert (result.error, result.status, result.final) == ("login_refused", 535, False)
    assert heard[1].startswith("AUTH PLAIN")
    out = capsys.readouterr().out
    assert '"alarm": true' in out and "p/w" not in out


def test_a_mail_server_with_a_strange_certificate_gets_nothing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls = certificate(tmp_path, "127.0.0.1")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(OSError):
            tls.wrap_socket(connection, server_side=True).recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    use(monkeypatch, f"smtps://127.0.0.1:{listener.getsockname()[1]}")
    assert mail.send(LETTER, TO, "evt_1").error == "tls_failed"
    thread.join()
    listener.close()


def letter(kind: str, **data: Any) -> Letter:
    return letters.of(Notice("evt_1", kind, "2026-11-25T12:00:00.000000Z", data), HOME)


@pytest.mark.parametrize(
    ("kind", "data", "subject", "words"),
    [
        ("hand_off.requested", {"agent_name": "Front desk", "hand_off": {"note": "Call me"}, "erased": False},
         "[Acme] A visitor asks for a person (Front desk)", "> Call me"),
        ("lead.created", {"agent_name": "Front desk", "lead": {"name": "Eve", "email": "eve@example.com"}},
         "[Acme] New lead: Eve", "E-mail: eve@example.com"),
        ("lead.created", {"lead": None, "erased": True}, "[Acme] New lead: a visitor", "has been erased"),
        ("cap.alert", {"month": "2026-11", "share_percent": 80}, "[Acme] You are near your cap", "80"),
        ("cap.alert", {"month": "2026-11", "share_percent": 100, "refused": "cap"},
         "[Acme] Your agents have stopped answering", "your cap of this month"),
        ("cap.alert", {"month": "2026-11", "share_percent": 99, "refused": "agent", "agent_id": "agt_1"},
         "[Acme] Your agents have stopped answering", "the cap of an agent"),
        ("cap.alert", {"month": "2026-11", "share_percent": 100, "refused": "trial"},
         "[Acme] Your agents have stopped answering", "Pay an invoice or buy credit"),
        ("cap.alert", {"month": "2026-11", "share_percent": 10, "refused": "hour"},
         "[Acme] Visitors have used their share of this hour", "asked to wait"),
        ("invoice.issued", {"invoice_number": "A-1", "amount": "12.34", "currency": "EUR"},
         "[Acme] Invoice A-1: 12.34 EUR", "Open Billing"),
        ("invoice.overdue", {"invoice_number": "A-1"}, "[Acme] Invoice A-1 is overdue", "Please pay it"),
        ("payment.received", {"amount": "12.34", "currency": "EUR"}, "[Acme] Payment received: 12.34 EUR", "Thank you"),
        ("payment.refunded", {"amount": "5.00", "currency": "EUR", "invoice_id": None, "payment_state": "refunded"},
         "[Acme] Refund: 5.00 EUR", "given back"),
        ("agent.failing", {"agent_name": "Front desk"}, "[Acme] Front desk is failing", "fail more often"),
        ("member.invited", {"role": "admin"}, "[Acme] A person was invited", "with the role admin"),
    ],
)  # fmt: skip
def test_each_kind_has_its_words(cloud: Cloud, kind: str, data: dict[str, Any], subject: str, words: str) -> None:
    found = letter(kind, **data)
    assert found.subject == subject
    assert words in found.text
    assert "An admin of the workspace can change that" in found.text
    assert "None" not in found.text + found.subject


def test_every_kind_of_notification_has_words_of_its_own(cloud: Cloud) -> None:
    from typing import get_args

    assert all("wanted to hear of" not in letter(kind).text for kind in get_args(notifications.Kind))


def test_a_name_turns_no_line_around_and_hides_nothing(cloud: Cloud) -> None:
    found = letter("lead.created", lead={"name": "Ev\u202ee\u2066\x00 \u05d0\u05d1", "email": "eve@example.com"})
    assert found.subject == "[Acme] New lead: Eve \u05d0\u05d1"
    assert "Name: Eve \u05d0\u05d1" in found.text
    assert "\u202e" not in found.html


def test_what_a_visitor_wrote_is_text_in_html_and_no_header(cloud: Cloud, sink: Path) -> None:
    workspace: WorkspaceId = cloud.workspace(name="A\r\nBcc: x@example.com", alert_emails=list(TO))
    note = "<script>alert(1)</script>\nsecond line"
    name, _ = conversation(workspace, handed_off=True, hand_off={"note": note})
    batch = firestore.Batch()
    event = notifications.record(batch, workspace, "hand_off.requested", subject=name, now=NOW)
    batch.commit()
    notifying.take(event, NOW)
    (got,) = received(sink)
    assert got["Bcc"] is None
    assert got["Subject"].startswith("[A Bcc: x@example.com] ")
    page = got.get_body(("html",)).get_content()
    assert "<script>" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;<br>second line" in page
    assert "> second line" in got.get_body(("plain",)).get_content()
    assert contracts.path(workspace, "conversations", name)
    assert ids.valid("event", event.id)


def test_an_invitation_is_mailed_to_whom_it_invites_with_a_link_of_its_own(cloud: Cloud, sink: Path) -> None:
    workspace = cloud.workspace(name="Acme")
    name = ids.new("invitation")
    stored = {
        "email": "bo@example.com",
        "role": "member",
        "token_hashes": ["of the link that the inviter has"],
        "open": True,
        "invited_by": "uid1",
        "inviter": "Ann",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=7),
    }
    batch = firestore.Batch()
    batch.create(repository.invitation_path(workspace, name), stored)
    event = notifications.record(batch, workspace, "member.invited", subject=name, facts={"role": "member"}, now=NOW)
    batch.commit()
    for _ in range(2):
        notifying.take(event, NOW)
    (got,) = received(sink)
    assert (got["To"], got["Subject"]) == ("bo@example.com", "Ann invites you to Acme")
    text = got.get_body(("plain",)).get_content()
    token = text.partition("#/invitations/")[2].split()[0]
    assert token.startswith(f"{name}.")
    kept = firestore.get(repository.invitation_path(workspace, name)).data["token_hashes"]
    assert is_among(token.partition(".")[2], kept[1:])
    assert len(kept) == 2


def test_an_invitation_that_is_over_is_not_mailed(cloud: Cloud, sink: Path) -> None:
    workspace, name = cloud.workspace(), ids.new("invitation")
    batch = firestore.Batch()
    event = notifications.record(batch, workspace, "member.invited", subject=name, now=NOW)
    batch.commit()
    notifying.take(event, NOW)
    assert received(sink) == []
    found = firestore.get(repository.mail_path(workspace, event.id)).data
    assert "invitation_over" in str(found)
