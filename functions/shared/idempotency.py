"""Idempotency keys: the same caller, key and request gives the first answer again, for 24 hours.

A key is taken by creating its document, so of two requests at once one works and the other is told to wait. The first
answer is kept when the handler has succeeded; a refusal or a failure changed nothing, so its repeat is tried anew. A
mark whose owner died ends by itself (`busy_until`). An answer that holds a secret is not kept, only that it was
given. One that is too large for a document is kept in parts beside the mark; the mark names them in its last write, so
nobody reads half of an answer, nor a part of another attempt's.

A crash between a handler's commit and the keeping of its answer is not covered here, nor a commit whose outcome nobody
heard of: what must be made only once is named by `call.idempotency_id` or `call.new_id`. Until a key has its answer, its
mark therefore keeps the time of the first request.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from functions.shared import firestore, ids, logs
from functions.shared.errors import Conflict, Problem

KEPT = timedelta(hours=24)
_PART_BYTES = 900_000
"""A document holds 1 MiB, its other fields too."""
_PARTS_AT_ONCE = 8
"""A commit holds 10 MiB."""


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was given the first time."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The right to do it now; end it with `keep`, `issued`, `abandon` or `release`."""

    path: str
    fingerprint: str
    etag: str
    expire_at: datetime
    since: datetime
    """When the first request with this key came that may have done something."""
    heir: bool = False
    """Whether that was an earlier one than this."""

    def keep(self, answer: StoredAnswer) -> None:
        """Keep the answer for repeats, a large one packed, and in parts when it is too large even so."""
        packed = len(answer.body) > _PART_BYTES
        body = zlib.compress(answer.body) if packed else answer.body
        done = {"state": "done", "status": answer.status, "packed": packed, "headers": dict(answer.headers)}
        if len(body) <= _PART_BYTES:
            self._write({**done, "body": body})
            return
        attempt = ids.secret(9)
        parts = {
            f"{self.path}.{attempt}.{number}": body[start : start + _PART_BYTES]
            for number, start in enumerate(range(0, len(body), _PART_BYTES))
        }
        self._write({**done, "parts": list(parts)}, parts)

    def issued(self) -> None:
        """Remember that the answer was given, not what it was."""
        self._write({"state": "issued"})

    def abandon(self) -> None:
        """Nothing was done: the next request with this key may try. Never raises.

        Of an heir that is not known, whatever it was refused for: it only steps aside.
        """
        if self.heir:
            self.release()
            return
        batch = firestore.Batch()
        batch.delete(self.path, if_etag=self.etag)
        self._end(batch)

    def release(self) -> None:
        """It failed, and may be done all the same: the same request may try again, as the heir of this one. Never
        raises."""
        batch = firestore.Batch()
        batch.update(self.path, {("busy_until",): self.since}, if_etag=self.etag)
        self._end(batch)

    def _end(self, batch: firestore.Batch) -> None:
        try:
            batch.commit()
        except (firestore.Changed, Problem):
            logs.warning("An idempotency mark stays until it ends by itself")

    def _write(self, data: dict[str, object], parts: Mapping[str, bytes] = MappingProxyType({})) -> None:
        whole = {**data, "fingerprint": self.fingerprint, "since": self.since, "expire_at": self.expire_at}
        try:
            paths = list(parts)
            for start in range(0, len(paths), _PARTS_AT_ONCE):
                batch = firestore.Batch()
                for path in paths[start : start + _PARTS_AT_ONCE]:
                    batch.set(path, {"part": parts[path], "expire_at": self.expire_at})
                batch.commit()
            batch = firestore.Batch()
            batch.replace(self.path, whole, if_etag=self.etag)
            batch.commit()
        except (firestore.Changed, Problem) as error:
            # The work is done and its caller must hear so; only a repeat may be done again.
            logs.alarm("The first answer to an idempotency key could not be kept", reason=type(error).__name__)


def fingerprint(method: str, path: str, query: str, content: bytes) -> str:
    """What makes a request the same as another one."""
    return ids.hashed(method, path, query, content.hex())


def begin(identity: str, fingerprint: str, *, now: datetime, lease: timedelta) -> Attempt | StoredAnswer:
    """Take the key named `identity` (`call.idempotency_id`), or get what was answered before.

    Raises Conflict: `idempotency_conflict` when it was another request, `already_issued` when the answer held a secret,
    `idempotency_busy` with Retry-After while the first request still runs (at most for `lease`).
    """
    path = f"idempotency/{identity}"
    expire_at = now + KEPT
    since, heir = now, False
    mark = {"state": "busy", "fingerprint": fingerprint, "busy_until": now + lease, "expire_at": expire_at}
    batch = firestore.Batch()
    batch.create(path, {**mark, "since": since})
    try:
        return Attempt(path, fingerprint, batch.commit()[path], expire_at, since)
    except firestore.AlreadyExists:
        found = firestore.get(path)
    if found.exists and now < found.data["expire_at"]:
        if found.data["fingerprint"] != fingerprint:
            raise Conflict("This Idempotency-Key was used for another request.", code="idempotency_conflict")
        if found.data["state"] == "done" and (body := _body(found.data)) is not None:
            return StoredAnswer(found.data["status"], body, found.data["headers"])
        if found.data["state"] == "issued":
            raise Conflict(
                "This was done before, and its answer held a secret that is shown once. What was made stands in the list: "
                "rotate its secret, or make another.",
                code="already_issued",
            )
        if now < found.data.get("busy_until", now):
            raise _busy()
        since, heir = found.data.get("since", now), True
    batch = firestore.Batch()
    batch.replace(path, {**mark, "since": since}, if_etag=found.etag)
    try:
        return Attempt(path, fingerprint, batch.commit()[path], expire_at, since, heir)
    except (firestore.AlreadyExists, firestore.Changed):
        raise _busy() from None


def _body(done: Mapping[str, Any]) -> bytes | None:
    """The body of an answer that was kept; None when parts of it are gone: then the request is done by an heir."""
    if "parts" in done:
        parts = firestore.get_all(done["parts"])
        if not all(part.exists for part in parts):
            return None
        body = b"".join(part.data["part"] for part in parts)
    else:
        body = bytes(done["body"])
    return zlib.decompress(body) if done.get("packed") else body


def _busy() -> Conflict:
    return Conflict(
        "The first request with this key is still being worked on.",
        code="idempotency_busy",
        headers={"Retry-After": "1"},
    )
