"""Starts the offline model: python -m local.model --data DIR --port N [--pace SECONDS] [--allow-faults].

It keeps no state; the folder is accepted because every engine takes one. It is ready before its weights are loaded.
"""

import socket
import threading

import uvicorn

from local import process
from local.model.embeddings import Embedder
from local.model.server import ModelServer


class _Server(uvicorn.Server):
    """Says READY when it answers."""

    def __init__(self, config: uvicorn.Config, port: int) -> None:
        super().__init__(config)
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        process.announce(self._port)


def main() -> None:
    """Run until stopped."""
    parser = process.arguments("The offline model: OpenAI-compatible, extractive, no network.")
    parser.add_argument("--pace", type=float, default=0.01, help="seconds that each streamed token takes")
    parser.add_argument("--allow-faults", action="store_true", help="let a user's text ask for a fault; for tests only")
    options = parser.parse_args()
    process.die_with_parent()
    embedder = Embedder()
    embedder.start()
    plain = socket.create_server((options.host, options.port), backlog=256)
    # asyncio switches Nagle's delay off only where the protocol is named, and 40 ms an answer is what it costs.
    listener = socket.socket(plain.family, plain.type, socket.IPPROTO_TCP, fileno=plain.detach())
    app = ModelServer(embedder, options.pace, options.allow_faults).app()
    # A planned fault would fill the log with the traceback that it is made of.
    level = "critical" if options.allow_faults else "warning"
    config = uvicorn.Config(app, log_level=level, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config, listener.getsockname()[1])
    thread = threading.Thread(target=server.run, args=([listener],), name="serve", daemon=True)
    thread.start()
    process.wait_for_stop()
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
