"""Sends mails by SMTP to the server that SMTP_URL names; without it none is sent, and the log says so once.

A mail's Message-ID is made from the event it tells of, so that one that is sent twice can be told to be the same.
"""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from urllib.parse import SplitResult, unquote, urlsplit

from functions.dashboard.deliveries import Result
from functions.shared import clock, logs
from functions.shared.config import settings

SECONDS = 15.0
_ID_CHARACTERS = 30
_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, as plain text and as simple HTML."""

    subject: str
    text: str
    html: str


def is_set_up() -> bool:
    """Whether mails can be sent here; where not, the log says once why."""
    problem = _problem()
    if problem is not None:
        _say_once(problem)
    return problem is None


def _problem() -> str | None:
    if not settings().smtp_url or not settings().mail_from:
        return "No mails are sent: set SMTP_URL and MAIL_FROM."
    url = urlsplit(str(settings().smtp_url))
    if url.scheme not in _PORTS or not url.hostname:
        return (
            "No mails are sent: SMTP_URL is smtps://user:password@host:465 or smtp://user:password@host:587?starttls."
        )
    if url.username and not _encrypted(url):
        return "No mails are sent: SMTP_URL would send its password in the clear. Use smtps:// or ?starttls."
    return None


@cache
def _say_once(problem: str) -> None:
    logs.warning(problem)


def send(letter: Letter, to: Sequence[str], event_id: str) -> Result:
    """Send one mail to all of `to`, in sight of each other. Never raises for what the server does.

    It counts as sent when the server took it for one of them.
    """
    at, started = clock.now(), clock.monotonic()
    if not is_set_up():
        return Result(False, at, 0, error="not_set_up")
    status, error, final = None, None, False
    try:
        _send(_message(letter, to, event_id))
    except smtplib.SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        status, error, final = max(codes), "recipients_refused", min(codes) >= 500
    except smtplib.SMTPAuthenticationError as refused:
        status, error = refused.smtp_code, "login_refused"
        logs.alarm("the mail server refuses our login", status=status)
    except smtplib.SMTPResponseException as refused:
        status, error = refused.smtp_code, "server_refused"
    except ssl.SSLError:
        error = "tls_failed"
    except (OSError, smtplib.SMTPException) as failed:
        error = "timeout" if isinstance(failed, TimeoutError) else "connection_failed"
    latency = round((clock.monotonic() - started) * 1000)
    return Result(error is None, at, latency, status, error, final=final)


def _message(letter: Letter, to: Sequence[str], event_id: str) -> EmailMessage:
    sender = str(settings().mail_from)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(to)
    # A name in it may hold what a header must not.
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(clock.now())
    # All of the event's id would make a line that is folded, which some readers take for another id.
    message["Message-ID"] = f"<{event_id[:_ID_CHARACTERS]}@{_domain()}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _domain() -> str:
    return parseaddr(str(settings().mail_from))[1].rpartition("@")[2] or "localhost"


def _send(message: EmailMessage) -> None:
    with _server() as server:
        refused = server.send_message(message)
    if refused:
        logs.warning("the mail server refuses some recipients", number=len(refused))


@contextmanager
def _server() -> Iterator[smtplib.SMTP]:
    url = urlsplit(str(settings().smtp_url))
    with _connection(url) as server:
        if url.scheme == "smtp" and _encrypted(url):
            server.starttls(context=ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        yield server


def _encrypted(url: SplitResult) -> bool:
    return url.scheme == "smtps" or "starttls" in url.query


def _connection(url: SplitResult) -> smtplib.SMTP:
    host, port = str(url.hostname), url.port or _PORTS[url.scheme]
    # Without a name of ours smtplib would ask the name service for one.
    if url.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, _domain(), timeout=SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, _domain(), timeout=SECONDS)
