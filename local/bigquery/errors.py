"""Gives every refusal the shape that BigQuery's clients expect: HTTP status, reason, location, message."""

from typing import Any


class Refusal(Exception):
    """A request that is answered with an error; `reason` is one of BigQuery's own words."""

    def __init__(
        self, message: str, *, reason: str = "invalid", status: int = 400, location: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.status = status
        self.location = location

    def proto(self) -> dict[str, str]:
        """The ErrorProto of a job's status and of an error body's list."""
        proto = {"reason": self.reason, "message": self.message}
        if self.location is not None:
            proto["location"] = self.location
        return proto

    def body(self) -> dict[str, Any]:
        """The JSON body of an HTTP error answer."""
        detail = {**self.proto(), "domain": "global"}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail], "status": self.reason}}


def invalid_query(message: str) -> Refusal:
    """The refusal of a query's text."""
    return Refusal(message, reason="invalidQuery", location="query")


def not_found(what: str) -> Refusal:
    """The refusal of a name that does not exist; `what` is "Table p:d.t" or the like."""
    return Refusal(f"Not found: {what}", reason="notFound", status=404)


def not_supported(what: str) -> Refusal:
    """The refusal of a part of SQL that this engine leaves out on purpose."""
    return invalid_query(f"{what} is not supported by the local BigQuery")
