"""Runs an ASGI application as a local engine: sockets bound before anything else, READY once it answers.

The listening sockets are made here and not by the server, so that port 0 can be told to the starter, and so that one
process can serve many ports (`scope["server"]` says which one was called).
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from local.process import announce

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_GRACE_SECONDS = 1
_BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises OSError with a readable text where the port is taken."""
    # The protocol must be named: asyncio switches Nagle's algorithm off only then; each answer would take 40 ms more.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} on {host} is taken") from error
    listener.listen(_BACKLOG)
    return listener


def port_of(listener: socket.socket) -> int:
    """The port that a bound socket listens on."""
    port: int = listener.getsockname()[1]
    return port


def serve(app: Application, listeners: list[socket.socket], *, ready: Callable[[], None] | None = None) -> None:
    """Answer on all `listeners` until SIGTERM or SIGINT; says READY with the port of the first once it answers."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="on" if getattr(app, "has_lifespan", False) else "off",
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)

    async def run() -> None:
        task = asyncio.create_task(server.serve(sockets=listeners))
        while not server.started and not task.done():
            await asyncio.sleep(0.005)
        if server.started:
            (ready or (lambda: announce(port_of(listeners[0]))))()
        await task

    asyncio.run(run())
