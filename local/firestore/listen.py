"""Listen: clients are told what changes in the documents and queries that they watch.

A commit names the documents it has touched; each stream looks at those of its targets' collections, and sends what is
new. A query with a limit is run again instead, since any change may let another document in.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from google.cloud.firestore_v1 import types

from local.firestore.errors import Refused, invalid
from local.firestore.paths import Place, collection_hash, encode_path, group_hash, locate, root_key
from local.firestore.protocol import Document, plain, set_micros, to_micros
from local.firestore.query import member, project, run
from local.firestore.shape import Query, parse
from local.firestore.snapshot import Snapshot
from local.firestore.store import Store

_ListenResponse = plain(types.ListenResponse)
_Change = types.TargetChange.TargetChangeType


@dataclass
class _Target:
    id: int
    keys: frozenset[bytes]  # documents by name, or
    query: Query | None
    once: bool
    resumed: bool
    touches: Callable[[Place], bool]
    belongs: Callable[[Any, bytes], bool]  # (document, key)
    sent: dict[bytes, tuple[str, int]] | None = None  # key -> name and version that the client has; None: nothing yet

    @property
    def whole(self) -> bool:
        """Whether only the whole query can tell what belongs to its result."""
        query = self.query
        return query is not None and (query.limit is not None or query.offset > 0 or query.nearest is not None)


def _target(added: Any) -> _Target:
    id_ = added.target_id or 1
    resumed = added.WhichOneof("resume_type") is not None
    kind = added.WhichOneof("target_type")
    if kind == "documents":
        keys = frozenset(locate(name).key for name in added.documents.documents)
        return _Target(id_, keys, None, added.once, resumed, lambda place: place.key in keys, lambda *_: True)
    if kind != "query" or added.query.WhichOneof("query_type") != "structured_query":
        raise invalid("A target must have documents or a structured query.")
    query = parse(added.query.parent, added.query.structured_query)
    return _Target(id_, frozenset(), query, added.once, resumed, _touches(query), member(query))


def _touches(query: Query) -> Callable[[Place], bool]:
    below = root_key(query.root) + encode_path(query.parent)
    if query.collection is None:
        return lambda place: place.key.startswith(below)
    if query.scope_group:
        group = group_hash(query.root, query.collection)
        return lambda place: place.group == group and place.key.startswith(below)
    path = f"{query.parent}/{query.collection}" if query.parent else query.collection
    parent = collection_hash(query.root, path)
    return lambda place: place.parent == parent


class Listener:
    """One stream of responses to a stream of requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._targets: dict[int, _Target] = {}
        self._inbox: SimpleQueue[Any] = SimpleQueue()  # requests, lists of places, None to wake up
        self._closed = False

    def close(self) -> None:
        """End the responses soon; called when the client has gone."""
        self._closed = True
        self._inbox.put(None)

    def responses(self, requests: Iterator[Any]) -> Iterator[Any]:
        """Everything to send, until the client goes."""
        stop = self._store.watch(self._inbox.put)
        threading.Thread(target=self._receive, args=(requests,), name="listen", daemon=True).start()
        try:
            while not self._closed:
                item = self._inbox.get()
                places: list[Place] = []
                while isinstance(item, list):
                    places.extend(item)
                    item = None if self._inbox.empty() else self._inbox.get()
                if places and not self._closed:
                    yield from self._changed(list(self._targets.values()), places)
                if item is not None:
                    yield from self._requested(item)
        finally:
            stop()

    def _receive(self, requests: Iterator[Any]) -> None:
        try:
            for request in requests:
                self._inbox.put(request)
        except Exception:  # noqa: BLE001 - gRPC ends a broken stream with an exception of no public type
            pass
        finally:
            self.close()

    def _requested(self, request: Any) -> Iterator[Any]:
        if request.WhichOneof("target_change") == "remove_target":
            if self._targets.pop(request.remove_target, None) is not None:
                yield _target_change(_Change.REMOVE, [request.remove_target])
            return
        id_ = request.add_target.target_id or 1
        yield _target_change(_Change.ADD, [id_])
        try:
            target = self._targets[id_] = _target(request.add_target)
            if target.resumed:
                yield _target_change(_Change.RESET, [id_])
            yield from self._changed([target], [])
        except Refused as refused:
            self._targets.pop(id_, None)
            removal = _target_change(_Change.REMOVE, [id_])
            removal.target_change.cause.code = refused.code.value[0]
            removal.target_change.cause.message = refused.message
            yield removal

    def _changed(self, targets: list[_Target], places: list[Place]) -> Iterator[Any]:
        """What is new for these targets, then one mark that all of it is consistent."""
        with self._store.snapshot() as snapshot:
            read_time = snapshot.read_time
            found = [(target, self._news(snapshot, target, places)) for target in targets]
        for target, news in found:
            first = target.sent is None
            sent = target.sent = target.sent or {}
            for key, document in news.items():
                if document is not None:
                    sent[key] = (document.name, to_micros(document.update_time))
                    select = target.query.select if target.query is not None else None
                    yield _document_change(project(document, select), target.id)
                else:
                    yield _removal(sent.pop(key)[0], target.id, read_time)
            if first:
                yield _target_change(_Change.CURRENT, [target.id], read_time)
                if target.once:
                    del self._targets[target.id]
                    yield _target_change(_Change.REMOVE, [target.id])
        if any(news or not places for _, news in found):
            yield _target_change(_Change.NO_CHANGE, [], read_time)

    def _news(self, snapshot: Snapshot, target: _Target, places: list[Place]) -> dict[bytes, Any]:
        """Documents that the client lacks or has in another version; None for those it must forget."""
        touched = {place.key for place in places if target.touches(place)}
        sent = target.sent or {}
        if places and not touched:
            return {}
        if target.query is not None and (target.whole or target.sent is None):
            documents = run(snapshot, self._store.indexes, target.query).documents
            current = {locate(document.name).key: document for document in documents}
            forget = sent.keys() - current.keys()
        else:
            rows = snapshot.get(touched if target.sent is not None else target.keys)
            parsed = {key: Document.FromString(row.body) for key, row in rows.items()}
            current = {key: document for key, document in parsed.items() if target.belongs(document, key)}
            forget = (touched & sent.keys()) - current.keys()
        news = {
            key: document
            for key, document in current.items()
            if key not in sent or sent[key][1] != to_micros(document.update_time)
        }
        return {**news, **dict.fromkeys(forget)}


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
