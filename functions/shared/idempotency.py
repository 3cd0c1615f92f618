"""Idempotency keys: the same caller, key and request gives the first answer again, for 24 hours.

A key is taken by creating its document, so of two requests at once one works and the other is told to wait. The first
answer is kept when the handler has succeeded; a refusal or a failure changed nothing, so its repeat is tried anew. A
mark whose owner died ends by itself (`busy_until`). An answer that holds a secret is not kept, only that it was
given.

A crash between a handler's commit and the keeping of its answer is not covered here, nor a commit whose outcome nobody
heard of: what must be made only once is named by `call.idempotency_id` or `call.new_id`. Until a key has its answer, its
mark therefore keeps the time of the first request.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.shared import firestore, ids, logs
from functions.shared.errors import Conflict, Problem

KEPT = timedelta(hours=24)
_LARGEST_BODY = 900_000


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
        """Keep the answer for repeats, a large one packed; what is too large even so is remembered as given only."""
        packed = len(answer.body) > _LARGEST_BODY
        body = zlib.compress(answer.body) if packed else answer.body
        if len(body) > _LARGEST_BODY:
            self.issued()
            return
        self._write(
            {"state": "done", "status": answer.status, "body": body, "packed": packed, "headers": dict(answer.headers)},
        )

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

    def _write(self, data: dict[str, object]) -> None:
        batch = firestore.Batch()
        whole = {**data, "fingerprint": self.fingerprint, "since": self.since, "expire_at": self.expire_at}
        batch.replace(self.path, whole, if_etag=self.etag)
        try:
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
        if found.data["state"] == "done":
            body = zlib.decompress(found.data["body"]) if found.data.get("packed") else found.data["body"]
            return StoredAnswer(found.data["status"], body, found.data["headers"])
        if found.data["state"] == "issued":
            raise Conflict(
                "This was done before, and its answer held a secret that is shown once. What was made stands in the list: "
                "rotate its secret, or make another.",
                code="already_issued",
            )
        if now < found.data["busy_until"]:
            raise _busy()
        since, heir = found.data.get("since", now), True
    batch = firestore.Batch()
    batch.replace(path, {**mark, "since": since}, if_etag=found.etag)
    try:
        return Attempt(path, fingerprint, batch.commit()[path], expire_at, since, heir)
    except (firestore.AlreadyExists, firestore.Changed):
        raise _busy() from None


def _busy() -> Conflict:
    return Conflict(
        "The first request with this key is still being worked on.",
        code="idempotency_busy",
        headers={"Retry-After": "1"},
    )
