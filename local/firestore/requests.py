"""What each request of the Firestore API does, on plain protobuf messages; `server` puts it on the wire."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.cloud.firestore_v1 import types
from google.protobuf import empty_pb2

from local.firestore import listing
from local.firestore.aggregation import aggregate, prepare
from local.firestore.errors import Refused, aborted, invalid, unimplemented
from local.firestore.limits import check_request
from local.firestore.paths import locate, split_name
from local.firestore.protocol import Document, plain, set_micros, to_micros
from local.firestore.query import Found, project, run
from local.firestore.shape import Query, parse
from local.firestore.snapshot import Snapshot
from local.firestore.store import Store
from local.firestore.transactions import Transaction, Transactions
from local.firestore.writes import target

_BatchGetDocumentsResponse = plain(types.BatchGetDocumentsResponse)
_RunQueryResponse = plain(types.RunQueryResponse)
_RunAggregationQueryResponse = plain(types.RunAggregationQueryResponse)
_CommitResponse = plain(types.CommitResponse)
_BatchWriteResponse = plain(types.BatchWriteResponse)
_BeginTransactionResponse = plain(types.BeginTransactionResponse)
_ListDocumentsResponse = plain(types.ListDocumentsResponse)
_ListCollectionIdsResponse = plain(types.ListCollectionIdsResponse)
_PartitionQueryResponse = plain(types.PartitionQueryResponse)
_MAX_BATCH_WRITES = 500
_MIN_PARTITION = 128  # documents in a partition, below which dividing is not worth while


class Requests:
    """The API's methods, by their names. Each raises `Refused` for a status other than OK."""

    def __init__(self, store: Store, transactions: Transactions) -> None:
        self._store = store
        self._indexes = store.indexes
        self._transactions = transactions

    @contextmanager
    def _transaction(self, request: Any) -> Iterator[tuple[Transaction | None, bytes]]:
        """(the transaction that a read is in, its id where the read begins it); ends it when the read fails."""
        selector = request.WhichOneof("consistency_selector")
        if selector == "new_transaction":
            begun = self._transactions.begin(request.new_transaction, self._store.last)
            id_, answer = begun.id, begun.id
        elif selector == "transaction":
            id_, answer = request.transaction, b""
        else:
            yield None, b""
            return
        transaction = self._transactions.enter(id_)
        try:
            yield transaction, answer
        except Refused as refused:
            if answer or refused.code == aborted().code:
                self._transactions.end(id_)
            raise
        finally:
            self._transactions.leave(transaction)

    def _at(self, request: Any, transaction: Transaction | None) -> int | None:
        """The past time that a read asks for, None for the present."""
        if transaction is not None:
            return transaction.at
        if request.WhichOneof("consistency_selector") != "read_time":
            return None
        return self._past(request.read_time)

    def _past(self, timestamp: Any) -> int:
        at = to_micros(timestamp)
        if at > self._store.now() + 1_000_000:
            raise invalid("read_time must not be in the future.")
        return at

    def BatchGetDocuments(self, request: Any) -> list[Any]:
        """Documents by name: those that exist first, then those that do not."""
        mask = tuple(request.mask.field_paths) if request.HasField("mask") else None
        places = {locate(name).key: name for name in request.documents}
        with self._transaction(request) as (transaction, begun):
            at = self._at(request, transaction)
            if transaction is not None and not transaction.read_only:
                self._transactions.lock(transaction, places)
            with self._store.snapshot(at) as snapshot:
                rows = snapshot.get(places)
                read_time = snapshot.read_time
            if transaction is not None and not transaction.read_only:
                for key in places:
                    transaction.reads.setdefault(key, rows[key].version if key in rows else None)
        answers = [_BatchGetDocumentsResponse(transaction=begun)] if begun else []
        for row in rows.values():
            answers.append(_BatchGetDocumentsResponse(found=project(Document.FromString(row.body), mask)))
            set_micros(answers[-1].read_time, read_time)
        for key, name in places.items():
            if key not in rows:
                answers.append(_BatchGetDocumentsResponse(missing=name))
                set_micros(answers[-1].read_time, read_time)
        return answers

    def _find(self, request: Any, query: Query, structured: Any, transaction: Transaction | None) -> tuple[Found, int]:
        if request.HasField("explain_options"):
            raise unimplemented("Query explain")
        with self._store.snapshot(self._at(request, transaction)) as snapshot:
            found = run(snapshot, self._indexes, query)
            read_time = snapshot.read_time
        if transaction is not None and not transaction.read_only:
            transaction.queries.append((request.parent, structured, found.fingerprint()))
        return found, read_time

    def RunQuery(self, request: Any) -> list[Any]:
        """The documents of a query, in order."""
        if request.WhichOneof("query_type") != "structured_query":
            raise unimplemented("A query of another kind than structured_query")
        query = parse(request.parent, request.structured_query)
        with self._transaction(request) as (transaction, begun):
            found, read_time = self._find(request, query, request.structured_query, transaction)
        answers = [_RunQueryResponse(transaction=begun)] if begun else []
        if found.skipped or not found.documents:
            answers.append(_RunQueryResponse(skipped_results=found.skipped))
            set_micros(answers[-1].read_time, read_time)
        for document in found.documents:
            answers.append(_RunQueryResponse(document=project(document, query.select)))
            set_micros(answers[-1].read_time, read_time)
        return answers

    def RunAggregationQuery(self, request: Any) -> list[Any]:
        """COUNT, SUM, AVG over a query."""
        structured, aggregations = prepare(request.structured_aggregation_query)
        with self._transaction(request) as (transaction, begun):
            found, read_time = self._find(request, parse(request.parent, structured), structured, transaction)
        answer = _RunAggregationQueryResponse(transaction=begun)
        for alias, aggregation in aggregations:
            answer.result.aggregate_fields[alias].CopyFrom(aggregate(aggregation, found.documents))
        set_micros(answer.read_time, read_time)
        return [answer]

    def BeginTransaction(self, request: Any) -> Any:
        """A transaction; read-write unless the options say otherwise."""
        options = request.options if request.HasField("options") else None
        if options is not None and options.read_only.HasField("read_time"):
            self._past(options.read_only.read_time)
        return _BeginTransactionResponse(transaction=self._transactions.begin(options, self._store.last).id)

    def Rollback(self, request: Any) -> Any:
        """End a transaction without effect; one that has ended already is no error."""
        self._transactions.end(request.transaction)
        return empty_pb2.Empty()

    def Commit(self, request: Any) -> Any:
        """All of the writes or none, and the end of the transaction, if there is one."""
        check_request(request)
        keys = self._keys(request)
        if request.transaction:
            job = self._commit_transaction(request, keys)
        else:
            self._transactions.wait_to_write(keys)
            job = self._store.submit(list(request.writes))
        answer = _CommitResponse(write_results=job.results)
        set_micros(answer.commit_time, job.at)
        return answer

    def _keys(self, request: Any) -> set[bytes]:
        inside = f"{request.database}/documents/"
        names = [target(write) for write in request.writes]
        for name in names:
            if not name.startswith(inside):
                raise invalid(f'The document "{name}" is not in the database "{request.database}".')
        return {locate(name).key for name in names}

    def _commit_transaction(self, request: Any, keys: set[bytes]) -> Any:
        transaction = self._transactions.enter(request.transaction)
        try:
            if transaction.read_only:
                if request.writes:
                    raise invalid("Cannot modify entities in a read-only transaction.")
                return self._store.submit([])
            self._transactions.lock(transaction, keys)
            return self._store.submit(list(request.writes), lambda snapshot: self._check_reads(transaction, snapshot))
        finally:
            self._transactions.leave(transaction)
            self._transactions.end(request.transaction)

    def _check_reads(self, transaction: Transaction, snapshot: Snapshot) -> None:
        """Raises ABORTED when anything that the transaction has read is no longer so."""
        current = snapshot.versions(transaction.reads)
        if any(current.get(key) != version for key, version in transaction.reads.items()):
            raise aborted()
        for parent, structured, fingerprint in transaction.queries:
            if run(snapshot, self._indexes, parse(parent, structured)).fingerprint() != fingerprint:
                raise aborted()

    def BatchWrite(self, request: Any) -> Any:
        """Writes that succeed or fail one by one."""
        check_request(request)
        if len(request.writes) > _MAX_BATCH_WRITES:
            raise invalid(f"Cannot write more than {_MAX_BATCH_WRITES} documents in a batch.")
        keys = self._keys(request)
        if len(keys) < len(request.writes):
            raise invalid("Each document of a batch can be written once only.")
        self._transactions.wait_to_write(keys)
        answer = _BatchWriteResponse()
        for job in self._store.submit_each(list(request.writes)):
            status, result = answer.status.add(), answer.write_results.add()
            if job.error is None:
                result.CopyFrom(job.results[0])
            elif isinstance(job.error, Refused):
                status.code, status.message = job.error.code.value[0], job.error.message
            else:
                raise job.error
        return answer

    def ListDocuments(self, request: Any) -> Any:
        """The documents of a collection by name, page by page."""
        if request.order_by:
            raise unimplemented("ListDocuments with order_by")
        root, parent = split_name(request.parent)
        mask = tuple(request.mask.field_paths) if request.HasField("mask") else None
        with (
            self._transaction(request) as (transaction, _),
            self._store.snapshot(self._at(request, transaction)) as snapshot,
        ):
            page = listing.documents(
                snapshot, root, parent, request.collection_id, request.show_missing, request.page_size,
                request.page_token,
            )  # fmt: skip
        return _ListDocumentsResponse(
            documents=[project(document, mask) for document in page.items], next_page_token=page.token
        )

    def ListCollectionIds(self, request: Any) -> Any:
        """The collections below a document, or of the database, page by page."""
        root, parent = split_name(request.parent)
        at = self._past(request.read_time) if request.HasField("read_time") else None
        with self._store.snapshot(at) as snapshot:
            page = listing.collections(snapshot, root, parent, request.page_size, request.page_token)
        return _ListCollectionIdsResponse(collection_ids=page.items, next_page_token=page.token)

    def PartitionQuery(self, request: Any) -> Any:
        """Cursors that divide a query into parts of about the same size."""
        if request.partition_count < 1:
            raise invalid("partition_count must be positive.")
        query = parse(request.parent, request.structured_query)
        at = self._past(request.read_time) if request.HasField("read_time") else None
        with self._store.snapshot(at) as snapshot:
            names = [document.name for document in run(snapshot, self._indexes, query).documents]
        answer = _PartitionQueryResponse()
        step = max(_MIN_PARTITION, -(-len(names) // (request.partition_count + 1)))
        for name in names[step::step]:
            answer.partitions.add().values.add(reference_value=name)
        return answer
