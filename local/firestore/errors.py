"""The one exception that carries a Firestore status to the client, so that no layer needs to know gRPC."""

import grpc


class Refused(Exception):
    """A request that ends with a status other than OK; `code` and `message` go to the client as they are."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    """INVALID_ARGUMENT."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> Refused:
    """NOT_FOUND."""
    return Refused(grpc.StatusCode.NOT_FOUND, message)


def already_exists(message: str) -> Refused:
    """ALREADY_EXISTS."""
    return Refused(grpc.StatusCode.ALREADY_EXISTS, message)


def failed_precondition(message: str) -> Refused:
    """FAILED_PRECONDITION."""
    return Refused(grpc.StatusCode.FAILED_PRECONDITION, message)


def aborted() -> Refused:
    """ABORTED in Firestore's words for contention; clients repeat the transaction."""
    return Refused(
        grpc.StatusCode.ABORTED,
        "Aborted due to cross-transaction contention. This occurs when multiple transactions attempt to access the "
        "same data, requiring Firestore to abort at least one in order to enforce serializability.",
    )


def unimplemented(what: str) -> Refused:
    """UNIMPLEMENTED: said at once, rather than answered half."""
    return Refused(grpc.StatusCode.UNIMPLEMENTED, f"{what} is not supported by the local Firestore.")
