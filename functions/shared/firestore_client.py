"""Builds Firestore's client on a channel whose answers the asking thread takes itself.

gRPC's usual channel has a thread of its own for the answers of streams, and every read here is a stream: each document
then costs two changes of thread. Without them a read costs a third less of a core. Nothing else differs from the
client's own channel, but the client has no public way to give it this option.
"""

from typing import Any

from functions.shared.config import settings


def connect() -> Any:
    """A client of the settings' project and database; it connects on its first request."""
    from google.cloud import firestore
    from google.cloud.firestore_v1.services.firestore import FirestoreClient

    known = settings()
    made = firestore.Client(known.project, _credentials(), known.firestore_database)
    transport_class = FirestoreClient.get_transport_class("grpc")
    transport: Any = transport_class(host=made._target, channel=_channel(made, transport_class))
    made._transport = transport
    made._firestore_api_internal = FirestoreClient(transport=transport, client_info=made._client_info)
    return made


def _credentials() -> Any:
    """Those of the key in the settings; without one the client finds the environment's."""
    key = settings().service_account_key
    if not key:
        return None
    from google.oauth2 import service_account

    return service_account.Credentials.from_service_account_info(key)


def _channel(made: Any, transport_class: Any) -> Any:
    from google.cloud.firestore_v1 import base_client

    # gRPC is the client's dependency and none of ours, so it is taken from there.
    native: Any = base_client
    options = [
        *native._DEFAULT_CHANNEL_OPTIONS,
        (native.grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
    ]
    if made._emulator_host is not None:
        return native.grpc.insecure_channel(made._emulator_host, options=options)
    return transport_class.create_channel(made._target, credentials=made._credentials, options=options)
