"""As much of SMTP (RFC 5321) as a sender needs: EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT. What it takes, it keeps.

No extension is offered and nobody has to log in: it listens on this machine only.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

LARGEST = 10 * 1024 * 1024
_PATH = re.compile(r"<([^<>\s]+@[^<>\s]+)>")

Take = Callable[[str, list[str], bytes], None]
"""Gets each mail: its sender, its recipients, its content."""


class TooLarge(Exception):
    """A mail is larger than LARGEST."""


@dataclass
class _Session:
    """One client's conversation."""

    take: Take
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)

    def answer(self, line: str) -> str:
        """The reply to any command but DATA and QUIT."""
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                return f"250-mail.local\r\n250-8BITMIME\r\n250 SIZE {LARGEST}"
            case "HELO":
                return "250 mail.local"
            case "MAIL":
                # An empty sender, `<>`, is that of bounces.
                found = _PATH.search(rest)
                self.sender, self.recipients = (found[1] if found else ""), []
                return "250 OK"
            case "RCPT":
                if self.sender is None:
                    return "503 MAIL comes first"
                if not (found := _PATH.search(rest)):
                    return "501 no address"
                self.recipients.append(found[1])
                return "250 OK"
            case "RSET" | "NOOP":
                if verb.upper() == "RSET":
                    self.sender, self.recipients = None, []
                return "250 OK"
            case _:
                return "502 not here"

    async def data(self, reader: asyncio.StreamReader) -> str:
        """Read a mail to its lone dot and keep it."""
        try:
            content = await _content(reader)
        except TooLarge:
            return "552 too large"
        self.take(self.sender or "", self.recipients, content)
        self.sender, self.recipients = None, []
        return "250 kept"


async def _content(reader: asyncio.StreamReader) -> bytes:
    lines, size = [], 0
    while (line := await reader.readuntil(b"\n")) not in (b".\r\n", b".\n"):
        size += len(line)
        if size <= LARGEST:
            lines.append(line.removeprefix(b"."))
    if size > LARGEST:
        raise TooLarge
    return b"".join(lines)


def conversation(take: Take) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """What serves one client; for asyncio.start_server."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(take)

        async def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        try:
            await say("220 mail.local")
            while True:
                line = (await reader.readuntil(b"\n")).decode("utf-8", "replace").strip()
                if line.upper() == "QUIT":
                    await say("221 bye")
                    break
                if line.upper() != "DATA":
                    await say(session.answer(line))
                elif not session.recipients:
                    await say("503 RCPT comes first")
                else:
                    await say("354 end with a dot")
                    await say(await session.data(reader))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # The client left in the middle, or speaks something else.
        finally:
            writer.close()

    return talk
