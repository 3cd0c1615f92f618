"""How a local engine behaves as a process: arguments, the ready line, and dying with its parent.

An engine is started as `python -m local.<engine> --data DIR --port N [--host 127.0.0.1]`. Port 0 takes a free one.
When it answers, it prints exactly one line `READY <port>` on standard output; everything else goes to standard error.
It stops cleanly on SIGTERM, and at once when the process that started it is gone, however that one ended.
"""

import argparse
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every engine takes; an engine may add its own before parsing."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds this engine's state")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    return parser


def die_with_parent() -> None:
    """End this process when its parent ends, also by SIGKILL.

    Linux tells us through prctl. Elsewhere, and for the moment before prctl is called, a thread watches for a new
    parent.
    """
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="die-with-parent", daemon=True).start()


def announce(port: int) -> None:
    """Tell the starter that this engine answers on `port`."""
    sys.stdout.write(f"READY {port}\n")
    sys.stdout.flush()


def wait_for_stop() -> None:
    """Block until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
