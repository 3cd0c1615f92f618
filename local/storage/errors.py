"""Gives every refusal the shape that Cloud Storage's clients expect."""

from typing import Any


class Refusal(Exception):
    """A request that is answered with an error; `reason` is one of Cloud Storage's own words."""

    def __init__(self, status: int, message: str, reason: str = "invalid") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason

    def body(self) -> dict[str, Any]:
        """The JSON error body."""
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


def no_object(bucket: str, name: str) -> Refusal:
    """The refusal of an object that does not exist."""
    return Refusal(404, f"No such object: {bucket}/{name}", "notFound")


def condition_not_met() -> Refusal:
    """The refusal of a change whose precondition does not hold."""
    return Refusal(412, "At least one of the pre-conditions you specified did not hold.", "conditionNotMet")


def not_supported(what: str) -> Refusal:
    """The refusal of a part of the API that this engine leaves out on purpose."""
    return Refusal(501, f"{what} is not supported by the local Cloud Storage", "notImplemented")
