"""The one exception that becomes a gRPC status, so that storage and rules need not know of a request's context."""

import grpc


class Refused(Exception):
    """A request that Pub/Sub answers with an error: a status code and the text that the client shows."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    """INVALID_ARGUMENT: the request could never succeed."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(name: str) -> Refused:
    """NOT_FOUND, in Pub/Sub's words."""
    return Refused(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={name.rsplit('/', 1)[-1]}).")


def exists(name: str) -> Refused:
    """ALREADY_EXISTS, in Pub/Sub's words."""
    last = name.rsplit("/", 1)[-1]
    return Refused(grpc.StatusCode.ALREADY_EXISTS, f"Resource already exists in the project (resource={last}).")


def unsupported(what: str) -> Refused:
    """UNIMPLEMENTED: Google offers it, this engine does not; better said at once than ignored."""
    return Refused(grpc.StatusCode.UNIMPLEMENTED, f"{what} is not offered by the local Pub/Sub.")
