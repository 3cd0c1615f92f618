"""Listen: clients are told what changes in the documents and queries that they watch.

Each stream runs its queries again when a commit has touched their collection, and sends the difference.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from google.cloud.firestore_v1 import types

from local.firestore.errors import Refused, invalid
from local.firestore.paths import Place, collection_hash, group_hash, locate, root_key
from local.firestore.protocol import Document, plain, set_micros
from local.firestore.query import project, run
from local.firestore.shape import Query, parse
from local.firestore.snapshot import Snapshot
from local.firestore.store import Store

_ListenResponse = plain(types.ListenResponse)
_Change = types.TargetChange.TargetChangeType


@dataclass
class _Target:
    id: int
    keys: dict[bytes, str]  # documents by name, or
    query: Query | None
    once: bool
    resumed: bool
    sent: dict[str, tuple[int, int]] | None = None  # name -> update time of what the client has; None: nothing yet
    touches: Callable[[Place], bool] = field(default=lambda place: True)


def _target(added: Any) -> _Target:
    id_ = added.target_id or 1
    resumed = added.WhichOneof("resume_type") is not None
    kind = added.WhichOneof("target_type")
    if kind == "documents":
        keys = {locate(name).key: name for name in added.documents.documents}
        return _Target(id_, keys, None, added.once, resumed, touches=lambda place: place.key in keys)
    if kind != "query" or added.query.WhichOneof("query_type") != "structured_query":
        raise invalid("A target must have documents or a structured query.")
    query = parse(added.query.parent, added.query.structured_query)
    return _Target(id_, {}, query, added.once, resumed, touches=_touches(query))


def _touches(query: Query) -> Callable[[Place], bool]:
    if query.collection is None:
        prefix = root_key(query.root)
        return lambda place: place.key.startswith(prefix)
    if query.scope_group:
        group = group_hash(query.root, query.collection)
        return lambda place: place.group == group
    path = f"{query.parent}/{query.collection}" if query.parent else query.collection
    parent = collection_hash(query.root, path)
    return lambda place: place.parent == parent


class Listener:
    """One stream. `inbox` takes requests, places that commits have touched, and None for the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._targets: dict[int, _Target] = {}
        self.inbox: SimpleQueue[Any] = SimpleQueue()

    def responses(self, requests: Iterator[Any]) -> Iterator[Any]:
        """Everything to send, until the client goes."""
        stop = self._store.watch(self.inbox.put)
        threading.Thread(target=self._receive, args=(requests,), name="listen", daemon=True).start()
        try:
            while (item := self.inbox.get()) is not None:
                if isinstance(item, list):
                    yield from self._changed(
                        [target for target in self._targets.values() if any(map(target.touches, item))]
                    )
                elif item.WhichOneof("target_change") == "add_target":
                    yield from self._add(item.add_target)
                elif self._targets.pop(item.remove_target, None) is not None:
                    yield _target_change(_Change.REMOVE, [item.remove_target])
        finally:
            stop()

    def _receive(self, requests: Iterator[Any]) -> None:
        try:
            for request in requests:
                self.inbox.put(request)
        except Exception:  # noqa: BLE001 - gRPC ends the iterator of a broken stream with an exception of no public type
            pass
        finally:
            self.inbox.put(None)

    def _add(self, added: Any) -> Iterator[Any]:
        id_ = added.target_id or 1
        yield _target_change(_Change.ADD, [id_])
        try:
            target = self._targets[id_] = _target(added)
            if target.resumed:
                yield _target_change(_Change.RESET, [id_])
            yield from self._changed([target])
        except Refused as refused:
            self._targets.pop(id_, None)
            removal = _target_change(_Change.REMOVE, [id_])
            removal.target_change.cause.code = refused.code.value[0]
            removal.target_change.cause.message = refused.message
            yield removal

    def _changed(self, targets: list[_Target]) -> Iterator[Any]:
        """What is new for these targets, then one mark that all of it is consistent."""
        read_time, news = 0, False
        for target in targets:
            with self._store.snapshot() as snapshot:
                current = self._read(snapshot, target)
                read_time = snapshot.read_time
            first = target.sent is None
            before = target.sent or {}
            target.sent = {name: _version(document) for name, document in current.items()}
            for name, document in current.items():
                if before.get(name) != target.sent[name]:
                    news = True
                    yield _document_change(document, target.id)
            for name in before.keys() - current.keys():
                news = True
                yield _removal(name, target.id, read_time)
            if first:
                news = True
                yield _target_change(_Change.CURRENT, [target.id], read_time)
                if target.once:
                    del self._targets[target.id]
                    yield _target_change(_Change.REMOVE, [target.id])
        if news:
            yield _target_change(_Change.NO_CHANGE, [], read_time)

    def _read(self, snapshot: Snapshot, target: _Target) -> dict[str, Any]:
        if target.query is not None:
            found = run(snapshot, self._store.indexes, target.query)
            return {document.name: project(document, target.query.select) for document in found.documents}
        rows = snapshot.get(target.keys)
        return {target.keys[key]: Document.FromString(row.body) for key, row in rows.items()}


def _version(document: Any) -> tuple[int, int]:
    return document.update_time.seconds, document.update_time.nanos


def _target_change(kind: int, ids: list[int], read_time: int = 0) -> Any:
    response = _ListenResponse()
    response.target_change.target_change_type = kind
    response.target_change.target_ids.extend(ids)
    if read_time:
        set_micros(response.target_change.read_time, read_time)
        response.target_change.resume_token = read_time.to_bytes(8, "big")
    return response


def _document_change(document: Any, target: int) -> Any:
    response = _ListenResponse()
    response.document_change.document.CopyFrom(document)
    response.document_change.target_ids.append(target)
    return response


def _removal(name: str, target: int, read_time: int) -> Any:
    response = _ListenResponse()
    response.document_delete.document = name
    response.document_delete.removed_target_ids.append(target)
    set_micros(response.document_delete.read_time, read_time)
    return response
