"""Read-write transactions as Firestore's pessimistic mode has them: who reads a document first goes first.

A transactional read takes the document's lock, first come, first served, and keeps it until the transaction ends. Waits
are bounded: a circle of waits ends at once in ABORTED for whoever closes it, any other wait after `patience` seconds,
unless the holder has been idle for that long; then the holder is taken for dead and loses its locks.

The locks only keep transactions from running into each other. That none loses an update or sees a phantom is the work
of the commit, which checks again all that the transaction has read (`Transaction.reads` and `queries`).
"""

import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from local.firestore.errors import Refused, aborted, invalid
from local.firestore.protocol import to_micros

_EXPIRED = "The referenced transaction has expired or is no longer valid."


@dataclass(eq=False)
class Transaction:
    """One transaction: what it has read so far and which locks it holds. `at` is set in a read-only one."""

    id: bytes
    read_only: bool
    at: int | None
    born: float
    used: float
    busy: int = 0
    doomed: bool = False
    reads: dict[bytes, int | None] = field(default_factory=dict)  # key -> update time in us, None: was not there
    queries: list[tuple[str, Any, Any]] = field(default_factory=list)  # (parent, StructuredQuery, fingerprint)
    held: set[bytes] = field(default_factory=set)
    waits_for: bytes | None = None


@dataclass(eq=False)
class _Waiter:
    transaction: Transaction | None  # None: a plain write, which only waits for its turn and holds nothing
    turn: threading.Event = field(default_factory=threading.Event)


class Transactions:
    """The living transactions and the locks of the documents they have read."""

    def __init__(
        self, patience: float = 5.0, write_patience: float = 1.0, idle_life: float = 60.0, life: float = 270.0
    ) -> None:
        """Seconds: how long a transaction waits for a lock, how long a plain write does, and how long one may live."""
        self._patience = patience
        self._write_patience = write_patience
        self._idle_life = idle_life
        self._life = life
        self._mutex = threading.Lock()
        self._living: dict[bytes, Transaction] = {}
        self._holders: dict[bytes, Transaction] = {}
        self._queues: dict[bytes, deque[_Waiter]] = {}
        self._swept = 0.0

    def begin(self, options: Any, now: int) -> Transaction:
        """A new transaction; `now` (us) is what a read-only one without a time of its own sees."""
        read_only = options is not None and options.WhichOneof("mode") == "read_only"
        at = None
        if read_only:
            at = to_micros(options.read_only.read_time) if options.read_only.HasField("read_time") else now
        moment = time.monotonic()
        transaction = Transaction(os.urandom(16), read_only, at, moment, moment)
        with self._mutex:
            self._sweep(moment)
            self._living[transaction.id] = transaction
        return transaction

    def enter(self, id_: bytes) -> Transaction:
        """The living transaction with this id, busy until `leave`; raises INVALID_ARGUMENT or ABORTED."""
        moment = time.monotonic()
        with self._mutex:
            self._sweep(moment)
            transaction = self._living.get(id_)
            if transaction is None:
                raise invalid(_EXPIRED)
            if transaction.doomed:
                raise aborted()
            transaction.busy += 1
            transaction.used = moment
            return transaction

    def leave(self, transaction: Transaction) -> None:
        """A request within the transaction is over; from now it counts as idle."""
        with self._mutex:
            transaction.busy -= 1
            transaction.used = time.monotonic()

    def end(self, id_: bytes) -> None:
        """Forget a transaction and let the next ones go; nothing happens when it is over already."""
        with self._mutex:
            transaction = self._living.pop(id_, None)
            if transaction is not None:
                transaction.doomed = True
                self._release(transaction)

    def lock(self, transaction: Transaction, keys: Iterable[bytes]) -> None:
        """Take the locks of documents before they are read or written; raises ABORTED, after a bounded time."""
        for key in sorted(keys):
            waiter = _Waiter(transaction)
            with self._mutex:
                if transaction.doomed:
                    raise aborted()
                holder = self._holders.get(key)
                if holder is transaction:
                    continue
                if holder is None:
                    self._hold(transaction, key)
                    continue
                if self._would_circle(transaction, key):
                    raise aborted()
                transaction.waits_for = key
                self._queues.setdefault(key, deque()).append(waiter)
            self._await_turn(waiter, key, self._patience)

    def wait_to_write(self, keys: Iterable[bytes]) -> None:
        """Let transactions that have read these documents finish first, for a bounded time, then go on regardless."""
        if not self._holders:
            return
        deadline = time.monotonic() + self._write_patience
        for key in sorted(keys):
            waiter = _Waiter(None)
            with self._mutex:
                if key not in self._holders:
                    continue
                self._queues.setdefault(key, deque()).append(waiter)
            try:
                self._await_turn(waiter, key, max(0.0, deadline - time.monotonic()))
            except Refused:
                continue  # the holder's commit will find that its reads are stale

    def _await_turn(self, waiter: _Waiter, key: bytes, patience: float) -> None:
        waiter.turn.wait(patience)
        with self._mutex:
            if not waiter.turn.is_set():
                self._give_up(waiter, key, patience)
            if waiter.transaction is not None:
                waiter.transaction.waits_for = None
                if waiter.transaction.doomed:
                    self._release(waiter.transaction)
                    raise aborted()
            if not waiter.turn.is_set():
                raise aborted()

    def _give_up(self, waiter: _Waiter, key: bytes, patience: float) -> None:
        """Leave the queue; but where the holder seems dead, end it and take its place."""
        queue = self._queues[key]
        queue.remove(waiter)
        holder = self._holders.get(key)
        if holder is not None and not holder.busy and time.monotonic() - holder.used >= patience:
            queue.appendleft(waiter)
            holder.doomed = True
            self._release(holder)
        elif not queue:
            del self._queues[key]

    def _would_circle(self, transaction: Transaction, key: bytes) -> bool:
        wanted: bytes | None = key
        while wanted is not None:
            holder = self._holders.get(wanted)
            if holder is None:
                return False
            if holder is transaction:
                return True
            wanted = holder.waits_for
        return False

    def _hold(self, transaction: Transaction, key: bytes) -> None:
        self._holders[key] = transaction
        transaction.held.add(key)
        transaction.waits_for = None

    def _release(self, transaction: Transaction) -> None:
        for key in transaction.held:
            del self._holders[key]
            queue = self._queues.get(key)
            while queue:
                waiter = queue.popleft()
                waiter.turn.set()
                if waiter.transaction is not None and not waiter.transaction.doomed:
                    self._hold(waiter.transaction, key)
                    break
            if not queue:
                self._queues.pop(key, None)
        transaction.held = set()

    def _sweep(self, moment: float) -> None:
        """End what is too old; once a second is often enough, since waits are bounded anyway."""
        if moment - self._swept < min(1.0, self._idle_life / 4):
            return
        self._swept = moment
        for transaction in list(self._living.values()):
            too_old = moment - transaction.born > self._life
            if too_old or (not transaction.busy and moment - transaction.used > self._idle_life):
                del self._living[transaction.id]
                transaction.doomed = True
                self._release(transaction)
