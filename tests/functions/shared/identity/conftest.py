"""Identity is tested in a deployment of its own callers, as the edge is."""

from tests.functions.shared.http.conftest import client, deployment, firestore_host

__all__ = ["client", "deployment", "firestore_host"]
