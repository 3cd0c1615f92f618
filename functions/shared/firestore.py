"""The only module that touches the Firestore client: documents by path, atomic batches, queries, slow transactions.

A path is plain text, `workspaces/{workspace}/agents/{agent}`; a document is a dict. Every document read comes as a
`Snapshot` whose `etag` is its update time, which a later write may demand (`if_etag`), so that nobody overwrites what
they have not seen. Field paths in writes are tuples, because keys of maps hold dots and dashes.

The client is built on first use and kept. Reads and writes are counted for the request's log line: they are the bill.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from functions.shared import logs
from functions.shared.config import settings
from functions.shared.errors import Problem, Unavailable

T = TypeVar("T")
FieldPath = tuple[str, ...]
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "array_contains", "array_contains_any"]

ABSENT = "0"
"""The etag of a document that does not exist."""

MAX_WRITES = 400
"""Writes in one batch; the request limit is 10 MiB, which such a batch of small documents stays far below."""


class AlreadyExists(Exception):
    """A `create` met an existing document; nothing of the batch was written."""


class Changed(Exception):
    """A write demanded an etag that is no longer true, or a document that is gone; nothing of the batch was written."""


class Contended(Unavailable):
    """A transaction met others on the same documents until its attempts were used up; nothing was written."""

    code, title = "contended", "Many are writing this at once"


@dataclass(frozen=True)
class Snapshot:
    """A document as it was read; `data` is empty when it does not exist."""

    path: str
    data: dict[str, Any]
    etag: str

    @property
    def id(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def exists(self) -> bool:
        """Whether there is such a document."""
        return self.etag != ABSENT


@dataclass(frozen=True)
class Increment:
    """Adds to an integer field without reading it; an absent field counts as 0."""

    by: int


@dataclass(frozen=True)
class Maximum:
    """Keeps the larger of the stored and this value, without reading it."""

    of: int


class _Delete:
    """Takes a field away."""


DELETE = _Delete()


@cache
def client() -> Any:
    """The process's client; imported and built on the first call."""
    from google.cloud import firestore

    key = settings().service_account_key
    if key:
        from google.oauth2 import service_account

        credentials = service_account.Credentials.from_service_account_info(key)
        return firestore.Client(settings().project, credentials, settings().firestore_database)
    return firestore.Client(settings().project, database=settings().firestore_database)


def get(path: str) -> Snapshot:
    """One document, existing or not: one read."""
    return get_all([path])[0]


def get_all(paths: Sequence[str], fields: Sequence[FieldPath] | None = None) -> list[Snapshot]:
    """Many documents in one round trip, in the order asked for; a path may not come twice.

    With `fields` only these come over the wire, which makes large documents cheap to read in part.
    """
    from google.cloud.firestore_v1.field_path import FieldPath as Native

    logs.count("firestore_reads", len(paths))
    references = [client().document(path) for path in paths]
    mask = None if fields is None else [Native(*field).to_api_repr() for field in fields]
    with _errors():
        found = {s.reference.path: _snapshot(s) for s in client().get_all(references, field_paths=mask)}
    return [found[path] for path in paths]


def _snapshot(found: Any) -> Snapshot:
    if not found.exists:
        return Snapshot(found.reference.path, {}, ABSENT)
    return Snapshot(found.reference.path, found.to_dict(), _etag(found.update_time))


def _etag(update_time: Any) -> str:
    stamp = update_time.timestamp_pb() if hasattr(update_time, "timestamp_pb") else update_time
    return f"{stamp.seconds}.{stamp.nanos:09d}"


class Batch:
    """Writes that happen together or not at all. `commit` is one round trip; an empty batch commits without one."""

    def __init__(self, native: Any = None) -> None:
        self._native = client().batch() if native is None else native
        self._order: list[str] = []

    def create(self, path: str, data: Mapping[str, Any]) -> None:
        """Write a document that must not exist: else AlreadyExists at commit."""
        self._native.create(client().document(path), _values(data))
        self._order.append(path)

    def set(self, path: str, data: Mapping[str, Any]) -> None:
        """Write a whole document, whatever was there."""
        self._native.set(client().document(path), _values(data))
        self._order.append(path)

    def merge(self, path: str, data: Mapping[str, Any]) -> None:
        """Write the given fields, nested ones too, and keep the others; makes the document when it is absent."""
        self._native.set(client().document(path), _values(data), merge=True)
        self._order.append(path)

    def update(self, path: str, fields: Mapping[FieldPath, Any], *, if_etag: str | None = None) -> None:
        """Change fields of a document that must exist and, if asked, must still have this etag: else Changed."""
        from google.cloud.firestore_v1.field_path import FieldPath as Native

        named = {Native(*field).to_api_repr(): _value(value) for field, value in fields.items()}
        self._native.update(client().document(path), named, option=_option(if_etag))
        self._order.append(path)

    def replace(self, path: str, data: Mapping[str, Any], *, if_etag: str) -> None:
        """Write a whole document that must still have this etag, or be absent for ABSENT: else Changed."""
        if if_etag == ABSENT:
            self.create(path, data)
            return
        self._native.set(client().document(path), _values(data))
        # The client offers no precondition on `set`; the protocol does.
        self._native._write_pbs[-1].current_document.update_time = _stamp(if_etag)
        self._order.append(path)

    def delete(self, path: str, *, if_etag: str | None = None) -> None:
        """Take a document away; when it must still have an etag and has not: Changed."""
        self._native.delete(client().document(path), option=_option(if_etag))
        self._order.append(path)

    def __len__(self) -> int:
        return len(self._order)

    def commit(self) -> dict[str, str]:
        """Write everything; returns the new etag of each path.

        Raises AlreadyExists, Changed, Contended or Unavailable, and then nothing is written.
        """
        if not self._order:
            return {}
        logs.count("firestore_writes", len(self._order))
        with _errors():
            results = self._native.commit()
        return {
            path: _etag(result.update_time)
            for path, result in zip(self._order, results, strict=True)
            if getattr(result, "update_time", None) is not None
        }


def _option(if_etag: str | None) -> Any:
    return None if if_etag is None else client().write_option(last_update_time=_stamp(if_etag))


def _stamp(etag: str) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp

    seconds, _, nanos = etag.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and nanos.isascii() and nanos.isdigit()):
        raise Changed(etag)
    return Timestamp(seconds=int(seconds), nanos=int(nanos))


def _values(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in data.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Increment | Maximum | _Delete):
        from google.cloud import firestore

        if isinstance(value, Increment):
            return firestore.Increment(value.by)
        return firestore.Maximum(value.of) if isinstance(value, Maximum) else firestore.DELETE_FIELD
    if isinstance(value, Mapping):
        return _values(value)
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value


@dataclass(frozen=True)
class Query:
    """What to look for in one collection, or with `group` in all of that name.

    A field of `order` begins with `-` to descend. `after` holds the values of the order fields of the last document
    seen, and its path at the end. `ids` are the first and the last id that a document may have.
    """

    collection: str
    where: tuple[tuple[str, Operator, Any], ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None
    after: tuple[Any, ...] = ()
    group: bool = False
    fields: tuple[str, ...] | None = None
    ids: tuple[str, str] | None = None


def find(query: Query) -> list[Snapshot]:
    """The documents of a query, in its order, ties by path. Each is a read; none found is one read too."""
    return list(stream(query))


def stream(query: Query) -> Iterator[Snapshot]:
    """As `find`, one document after the other, for results that need not be in memory at once."""
    native = _native(query)
    number = 0
    with _errors():
        for found in native.stream():
            number += 1
            yield _snapshot(found)
    logs.count("firestore_reads", max(1, number))


def count(query: Query) -> int:
    """How many documents match; a thousand index entries cost one read."""
    logs.count("firestore_reads")
    with _errors():
        return int(_native(query).count().get()[0][0].value)


def _native(query: Query) -> Any:
    from google.cloud.firestore_v1.base_query import FieldFilter

    native = client().collection_group(query.collection) if query.group else client().collection(query.collection)
    for field, operator, value in query.where:
        native = native.where(filter=FieldFilter(field, operator, value))
    if query.ids is not None:
        first, last = (client().document(f"{query.collection}/{id}") for id in query.ids)
        native = native.where(filter=FieldFilter("__name__", ">=", first))
        native = native.where(filter=FieldFilter("__name__", "<=", last))
    for field in query.order:
        native = native.order_by(field.removeprefix("-"), direction=_direction(field))
    if query.fields is not None:
        native = native.select(list(query.fields))
    if query.after:
        last = "ASCENDING" if not query.order else _direction(query.order[-1])
        native = native.order_by("__name__", direction=last)
        values = {field.removeprefix("-"): value for field, value in zip(query.order, query.after[:-1], strict=True)}
        native = native.start_after({**values, "__name__": client().document(query.after[-1])})
    if query.limit is not None:
        native = native.limit(query.limit)
    return native


def _direction(field: str) -> str:
    return "DESCENDING" if field.startswith("-") else "ASCENDING"


class Transaction(Batch):
    """A batch that may read before it writes; whoever else writes what it has read, one of the two does it again."""

    def get(self, path: str) -> Snapshot:
        """One document, locked until the commit. All reads come before the first write."""
        return self.get_all([path])[0]

    def get_all(self, paths: Sequence[str]) -> list[Snapshot]:
        """Many documents in one round trip, locked until the commit."""
        logs.count("firestore_reads", len(paths))
        references = [client().document(path) for path in paths]
        found = {s.reference.path: _snapshot(s) for s in client().get_all(references, transaction=self._native)}
        return [found[path] for path in paths]


def transact(work: Callable[[Transaction], T], *, attempts: int = 8) -> T:
    """Run `work` in a transaction, again while others interfere, from reads too; returns what `work` returned.

    `work` may run several times: it has no effect but its writes. Raises Contended after `attempts`, and whatever
    `work` raises, with nothing written.
    """
    from google.api_core import exceptions
    from google.cloud import firestore

    for attempt in range(attempts):
        writes = 0

        @firestore.transactional  # type: ignore[untyped-decorator]
        def run(native: Any) -> T:
            nonlocal writes
            transaction = Transaction(native)
            result = work(transaction)
            writes = len(transaction)
            return result

        try:
            with _errors(leave=(exceptions.Aborted,)):
                result: T = run(client().transaction(max_attempts=1))
        except (exceptions.Aborted, _CommitAborted):
            time.sleep(min(2.0, 0.02 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - spreads attempts
            continue
        logs.count("firestore_writes", writes)
        return result
    raise Contended("Others are changing the same thing. Try again in a moment.")


def compete(paths: Sequence[str], known: list[Snapshot], work: Callable[[Batch, list[Snapshot]], T]) -> T:
    """Write on the strength of what was read: `work` adds writes with `if_etag`, for the documents at `paths`.

    `known` was read before, so without rivals this is one commit and no read. With rivals, `work` runs again on what it
    finds then, twice without a lock and then in a transaction, where everybody queues. Raises what `work` raises.
    """
    for attempt in range(3):
        batch = Batch()
        result = work(batch, known)
        try:
            batch.commit()
        except (Changed, AlreadyExists, Contended):
            time.sleep(0.01 * 2**attempt * random.random())  # noqa: S311 - spreads attempts
            if attempt < 2:
                known = get_all(paths)
            continue
        return result
    return transact(lambda transaction: work(transaction, transaction.get_all(paths)))


class _CommitAborted(Exception):
    """The client says ABORTED at commit with a ValueError."""


@contextmanager
def _errors(leave: tuple[type[BaseException], ...] = ()) -> Iterator[None]:
    from google.api_core import exceptions

    try:
        yield
    except leave:
        raise
    except (AlreadyExists, Changed, Problem):
        raise
    except exceptions.AlreadyExists as error:
        raise AlreadyExists(str(error)) from error
    except (exceptions.FailedPrecondition, exceptions.NotFound) as error:
        # A query without index is a fault of ours and must not look like a stale document.
        if "requires an index" in str(error):
            raise
        raise Changed(str(error)) from error
    except exceptions.Aborted as error:
        raise Contended("Others are changing the same thing. Try again in a moment.") from error
    except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, exceptions.RetryError) as error:
        raise Unavailable("The database did not answer in time. Nothing was changed; try again.") from error
    except ValueError as error:
        if "Failed to commit transaction" in str(error):
            raise _CommitAborted from error
        raise


def delete_tree(paths: Iterable[str]) -> int:
    """Delete documents in batches; returns how many. What is in collections below them is not touched."""
    number = 0
    batch = Batch()
    for path in paths:
        batch.delete(path)
        number += 1
        if len(batch) == MAX_WRITES:
            batch.commit()
            batch = Batch()
    batch.commit()
    return number
