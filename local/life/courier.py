"""What Pub/Sub does between the functions, while the clock stands in the past: by the same subscriptions, in order.

A message that stays with Pub/Sub would meet consumers who live today, and those refuse what is older than their marks.
So pushes go to the same handlers in this process, and what a BigQuery subscription would carry goes into the same
table by the same call.
"""

import base64
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.pubsub.warehouse import insert_all

_ROWS = 400
"""As many rows as one call inserts."""

_ATTEMPTS = 5

Push = Callable[[str, str, Mapping[str, Any]], int]
"""Deployment, path and envelope; gives the status of the answer."""


class Undelivered(Exception):
    """A message was refused again and again, or a row has no place in its table."""


class Taken:
    """What publishing gives: the message is taken, so its result is there at once."""

    def __init__(self, number: str, before: Callable[[], None]) -> None:
        self._number, self._before = number, before

    def result(self, timeout: float | None = None) -> str:
        """The message's id. What is in the books must be in the warehouse before the same run compares both."""
        self._before()
        return self._number


@dataclass(frozen=True)
class _Message:
    number: str
    topic: str
    data: bytes
    attributes: Mapping[str, str]


class Courier:
    """Takes the place of a Pub/Sub publisher; `deliver` carries what was taken, `flush` fills the warehouse."""

    def __init__(
        self, subscriptions: Mapping[str, Mapping[str, Any]], push: Push, bigquery: str, project: str, dataset: str
    ) -> None:
        self._pushes: dict[str, list[tuple[str, str, str]]] = {}
        self._tables: dict[str, str] = {}
        for name, subscription in subscriptions.items():
            topic = subscription["topic"]
            if "push" in subscription:
                to = subscription["push"]
                self._pushes.setdefault(topic, []).append((name, to["deployment"], to["path"]))
            elif "bigquery" in subscription:
                self._tables[topic] = subscription["bigquery"]["table"]
        self._push, self._bigquery, self._project, self._dataset = push, bigquery, project, dataset
        self._waiting: deque[_Message] = deque()
        self._rows: dict[str, list[dict[str, Any]]] = {table: [] for table in self._tables.values()}
        self._taken = 0
        self.workspace = ""
        """Commands for other workspaces of this installation are none of our business."""
        self.carried: dict[str, int] = {}
        """How many messages of each topic were taken."""

    def publish(self, topic: str, data: bytes, **attributes: str) -> Taken:
        """Take a message, as a publisher's method of this name does."""
        name = topic.rpartition("/")[2]
        self._taken += 1
        message = _Message(str(self._taken), name, data, attributes)
        if self.workspace and attributes["workspace_id"] != self.workspace:
            return Taken(message.number, _nothing)
        self.carried[name] = self.carried.get(name, 0) + 1
        self._waiting.append(message)
        table = self._tables.get(name)
        if table is not None:
            self._rows[table].append({"insertId": message.number, "json": json.loads(data)})
        # Turns are many and are compared by the next night's run at the earliest.
        own = _nothing if table is None or name == "usage-recorded" else lambda: self._insert(table)
        return Taken(message.number, own)

    def deliver(self) -> None:
        """Carry everything that was taken, and what comes of that. Raises Undelivered."""
        while self._waiting:
            message = self._waiting.popleft()
            for name, deployment, path in self._pushes.get(message.topic, ()):
                if message.topic == "close-requested":
                    self.flush()
                self._carry(message, name, deployment, path)

    def _carry(self, message: _Message, name: str, deployment: str, path: str) -> None:
        envelope = {
            "message": {
                "data": base64.b64encode(message.data).decode(),
                "attributes": dict(message.attributes),
                "messageId": message.number,
            },
            "subscription": f"projects/{self._project}/subscriptions/{name}",
        }
        for _ in range(_ATTEMPTS):
            status = self._push(deployment, path, envelope)
            if status < 300:
                return
        raise Undelivered(f"{deployment} answered {path} with {status}, {_ATTEMPTS} times")

    def flush(self) -> None:
        """Insert every row that waits. Raises Undelivered."""
        for table in self._rows:
            self._insert(table)

    def _insert(self, table: str) -> None:
        rows = self._rows[table]
        while rows:
            part, rows[:] = rows[:_ROWS], rows[_ROWS:]
            refused = insert_all(self._bigquery, (self._project, self._dataset, table), part)
            if refused:
                raise Undelivered(next(iter(refused.values())))


def _nothing() -> None:
    """Nothing has to happen first."""
