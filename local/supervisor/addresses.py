"""Chooses where everything listens, before anything starts, so that all can start at once and know each other.

The deployments' ports are bound here and handed to the front as open sockets: nobody can take them meanwhile, and a
call that comes before the front answers waits in the queue instead of failing.
"""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from local.serving import listen, port_of
from local.supervisor.plan import Plan

HOST = "127.0.0.1"
_RANGE = range(18000, 32000)
ENGINES = ("identity", "firestore", "pubsub", "bigquery", "storage", "model", "mail", "cards")
# Where this is set already, the server it names is used instead of ours.
EMULATOR_VARIABLES = {
    "firestore": "FIRESTORE_EMULATOR_HOST",
    "pubsub": "PUBSUB_EMULATOR_HOST",
    "bigquery": "BIGQUERY_EMULATOR_HOST",
    "storage": "STORAGE_EMULATOR_HOST",
}


@dataclass
class Addresses:
    """Ports and open sockets of one stack; `external` are servers of somebody else by engine."""

    gateway: socket.socket
    fronts: dict[str, socket.socket]
    engines: dict[str, int]
    functions: dict[str, int]
    external: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def choose(plan: Plan, gateway_port: int, environment: Mapping[str, str], gateway_host: str = HOST) -> "Addresses":
        """Bind what is bound here and find free ports for the rest. Raises OSError where the gateway's is taken.

        With gateway port 0 all deployments take free ports too: so several stacks can run side by side. Only the
        gateway listens on `gateway_host`; whatever is behind it stays on this machine.
        """
        gateway = listen(gateway_host, gateway_port)
        fronts = {d.name: _listen_near(d.port if gateway_port else 0) for d in plan.deployments}
        free = _free_ports(len(ENGINES) + len(plan.deployments))
        engines = {engine: free.pop() for engine in ENGINES}
        functions = {d.name: free.pop() for d in plan.deployments}
        external = {e: environment[v] for e, v in EMULATOR_VARIABLES.items() if environment.get(v)}
        return Addresses(gateway, fronts, engines, functions, external)

    @property
    def public(self) -> str:
        """Where people and browsers begin."""
        return f"http://localhost:{port_of(self.gateway)}"

    def deployment(self, name: str) -> str:
        """The address of a deployment, which is also the audience of tokens for it."""
        return f"http://{HOST}:{port_of(self.fronts[name])}"

    def engine(self, name: str) -> str:
        """The URL of an engine, ours or somebody else's."""
        return f"http://{self.host(name)}"

    def host(self, name: str) -> str:
        """The same as host and port, as the emulator variables of Firestore and Pub/Sub want it."""
        found = self.external.get(name, f"{HOST}:{self.engines[name]}")
        return found.partition("://")[2] if "://" in found else found

    def emulators(self) -> dict[str, str]:
        """The variables by which Google's clients find the engines."""
        return {
            "FIRESTORE_EMULATOR_HOST": self.host("firestore"),
            "PUBSUB_EMULATOR_HOST": self.host("pubsub"),
            "BIGQUERY_EMULATOR_HOST": self.engine("bigquery"),
            "STORAGE_EMULATOR_HOST": self.engine("storage"),
        }

    def close(self) -> None:
        """Give the bound ports back."""
        for listener in (self.gateway, *self.fronts.values()):
            listener.close()


def inheritable(listener: socket.socket) -> int:
    """The descriptor of a socket for a child."""
    os.set_inheritable(listener.fileno(), True)
    return listener.fileno()


def _listen_near(port: int) -> socket.socket:
    try:
        return listen(HOST, port)
    except OSError:
        return listen(HOST, 0)


def _free_ports(count: int) -> list[int]:
    """Different free ports, outside the range from which the system takes those of outgoing connections."""
    found: list[int] = []
    for port in random.SystemRandom().sample(_RANGE, len(_RANGE)):
        try:
            listen(HOST, port).close()
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} free ports from {_RANGE.start} to {_RANGE.stop}")
