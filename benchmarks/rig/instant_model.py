"""An OpenAI-compatible server that answers at once and costs almost nothing, so that a turn's own cost is left over.

`python -m benchmarks.rig.instant_model --data DIR --port 0 [--seconds S]`; it waits S between its two chunks.
"""

import argparse
import asyncio
import json

from local import process

WORDS = "We are open Monday to Friday from 8 am to 6 pm, and on Saturdays by appointment. "


def _chunk(delta: dict[str, str], finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'choices': [choice], 'usage': usage})}\n\n".encode()


FIRST = _chunk({"role": "assistant", "content": WORDS})
LAST = _chunk({"content": WORDS}, "stop", {"prompt_tokens": 900, "completion_tokens": 40}) + b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def main() -> None:
    """Serve until killed."""
    parser = process.arguments(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=0.0)
    options: argparse.Namespace = parser.parse_args()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(HEAD + _framed(FIRST))
                if options.seconds:
                    await asyncio.sleep(options.seconds)
                writer.write(_framed(LAST) + b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, options.host, options.port)
    process.die_with_parent()
    process.announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
