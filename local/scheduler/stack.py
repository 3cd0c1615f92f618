"""The state file of a running stack: how a command in another terminal finds what the supervisor has started."""

import json
from dataclasses import dataclass
from pathlib import Path

FILE = "stack.json"
FUNCTIONS = "functions.json"


class NoStack(Exception):
    """No stack runs here, or its state file cannot be read; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack: project, identity server, key file, and where each deployment answers."""

    project: str
    identity: str
    credentials: Path
    deployments: dict[str, str]


def read(state: Path) -> Stack:
    """The stack whose state is in the folder `state`. Raises NoStack."""
    path = state / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Stack(found["project"], found["identity"], Path(found["credentials"]), dict(found["deployments"]))
    except FileNotFoundError:
        raise NoStack(f"No stack runs here (there is no {path}). Start one with `nox -s serve`.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoStack(f"{path} cannot be read ({error}). Start the stack anew with `nox -s serve`.") from error


def functions_environment(state: Path) -> dict[str, str]:
    """What the functions of the running stack find in their environment, secrets included. Raises NoStack."""
    read(state)
    try:
        found: dict[str, str] = json.loads((state / FUNCTIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoStack(
            f"{state / FUNCTIONS} cannot be read ({error}). Start the stack anew with `nox -s serve`."
        ) from error
    return found
