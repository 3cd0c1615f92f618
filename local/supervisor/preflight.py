"""Finds out before anything starts why it could not, and says so in one sentence."""

import fcntl
import importlib.util
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

_MODULES = {
    "functions_framework": "the functions",
    "gunicorn": "the functions",
    "google.cloud.firestore": "the functions",
    "starlette": "the gateway",
    "uvicorn": "the gateway",
    "httpx2": "the gateway",
    "jwt": "the gateway",
    "cryptography": "identity",
    "grpc": "Firestore and Pub/Sub",
    "yaml": "the catalogue",
}


class Obstacle(Exception):
    """Why the stack cannot start, in words for a person."""


def need_modules() -> None:
    """Raises Obstacle where a Python module is missing."""
    for module, user in _MODULES.items():
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise Obstacle(f"The Python module {module}, which {user} needs, is missing: start with `nox -s serve`.")


def lock_state(state: Path) -> IO[str]:
    """Hold the state folder for this process until the file is closed. Raises Obstacle where another AgentHub runs."""
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "lock").open("a+", encoding="utf-8")
    # Children must not keep the folder locked when the supervisor is gone.
    os.set_inheritable(file.fileno(), False)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise Obstacle(f"An AgentHub already runs on {state}{_where(state)}. Stop it, or use --state.") from error
    return file


def taken_port(port: int) -> Obstacle:
    """Who has the gateway's port."""
    if _is_agenthub(port):
        return Obstacle(f"Another AgentHub already answers on port {port}. Stop it, or use --port.")
    return Obstacle(f"Port {port} is taken by another program. Stop it, or use --port.")


def _is_agenthub(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/config.json", timeout=2) as answer:
            return b"identity_url" in answer.read(4096)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def _where(state: Path) -> str:
    try:
        stack = json.loads((state / "stack.json").read_text(encoding="utf-8"))
        return f" (process {stack['pid']}, {stack['gateway']})"
    except (OSError, ValueError, KeyError):
        return ""
