"""Serves by `python -m local.mail --data DIR --port N`: takes mails by SMTP and writes each as text, and as it came."""

import asyncio
import email
import email.policy
import signal
from email.message import EmailMessage
from pathlib import Path

from local.mail.folder import keep
from local.mail.smtp import conversation
from local.process import announce, arguments, die_with_parent
from local.serving import listen, port_of

_HEADERS = ("From", "To", "Subject", "Message-ID")


def readable(content: bytes) -> bytes:
    """A mail as a person reads it: four headers and its plain text."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    head = "".join(f"{name}: {message[name]}\n" for name in _HEADERS if message[name])
    plain = message.get_body(preferencelist=("plain", "html"))
    return f"{head}\n{plain.get_content() if plain else ''}".encode()


async def _serve(host: str, port: int, folder: Path) -> None:
    def take(_sender: str, _recipients: list[str], content: bytes) -> None:
        keep(folder, "notification", readable(content))
        keep(folder, "notification", content, "eml")

    listener = listen(host, port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(conversation(take), sock=listener)
    announce(port_of(listener))
    await stop.wait()
    server.close()


def main() -> None:
    """Serve until SIGTERM."""
    parser = arguments("A mail server that keeps every mail in a folder.")
    parser.add_argument("--folder", type=Path, help="folder that takes the mails (default: DATA)")
    options = parser.parse_args()
    die_with_parent()
    asyncio.run(_serve(options.host, options.port, options.folder or options.data))


if __name__ == "__main__":
    main()
