"""Plain protobuf messages for tests, made by Google's own client so that they are what it would send."""

from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1 import _helpers, types

CLIENT = firestore.Client(project="agenthub-test", credentials=AnonymousCredentials())
DATABASE = "projects/agenthub-test/databases/(default)"
ROOT = f"{DATABASE}/documents"


def value(anything: Any) -> Any:
    return types.Value.pb(_helpers.encode_value(anything))


def put(path: str, data: dict[str, Any]) -> Any:
    """A write that sets a document."""
    return types.Write.pb(_helpers.pbs_for_set_no_merge(f"{ROOT}/{path}", data)[0])


def delete(path: str) -> Any:
    return types.Write.pb(types.Write(delete=f"{ROOT}/{path}"))


def structured(query: Any) -> Any:
    """The StructuredQuery of a client's query or collection."""
    built = query._query() if hasattr(query, "_query") else query
    return types.StructuredQuery.pb(types.StructuredQuery(built._to_protobuf()))
