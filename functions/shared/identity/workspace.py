"""The type that proves a workspace was looked up, not typed in by a caller: every repository asks for it.

A `WorkspaceId` is text, so it goes into paths and JSON as it is, but it cannot be made from text outside of the doors
below. Each door says by its name what vouches for the workspace; a test lists the modules that may use them.
"""

import re
from typing import TYPE_CHECKING, Any, NoReturn

from functions.shared import ids

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_FORM = re.compile(r"ws_[0-9a-z]{26}")
_NAME = re.compile(r"(?!\.{1,2}$)(?!__.*__$)[A-Za-z0-9_.:@-]{1,128}")
_KEY = object()


def is_name(text: str) -> bool:
    """Whether text from outside may stand as one segment in a document's path."""
    return _NAME.fullmatch(text) is not None


class WorkspaceId(str):
    """The id of a workspace that somebody reliable has named; `WorkspaceId(text)` raises TypeError."""

    __slots__ = ()

    def __new__(cls, value: str, _key: object = None) -> "WorkspaceId":
        if _key is not _KEY:
            raise TypeError("A WorkspaceId comes from identity, never from text.")
        return super().__new__(cls, value)

    def __copy__(self) -> "WorkspaceId":
        return self

    def __deepcopy__(self, memo: Any) -> "WorkspaceId":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A WorkspaceId does not leave the process as an object.")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Models hold one that exists already; they never make one out of text."""
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(
            cls,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )


def _vouched(text: str) -> WorkspaceId:
    if _FORM.fullmatch(text) is None:
        raise ValueError("not the form of a workspace id")
    return WorkspaceId(text, _KEY)


def from_claims(text: str) -> WorkspaceId:
    """From claims that the gateway verified, for `identity` alone. Raises ValueError on bad form."""
    return _vouched(text)


def from_event(text: str) -> WorkspaceId:
    """From an event that `events.decode` accepted from the push account. Raises ValueError on bad form."""
    return _vouched(text)


def from_directory(text: str) -> WorkspaceId:
    """From a document of our own that names the workspace: `directory/{widget, key or person}`, or a listing
    that a scheduled job makes. Raises ValueError on bad form."""
    return _vouched(text)


def from_card_payment(text: str) -> WorkspaceId:
    """From what the card service says of a payment that we had it collect, asked with our own key after a webhook that
    it signed. Raises ValueError on bad form."""
    return _vouched(text)


def from_operator(operator: bool, text: str) -> WorkspaceId:
    """From the path of an operator's route. Raises PermissionError for anybody else, ValueError on bad form."""
    if operator is not True:
        raise PermissionError("only an operator may name a workspace")
    return _vouched(text)


def founded() -> WorkspaceId:
    """A fresh id, for the workspace that is about to be made."""
    return _vouched(ids.new("workspace"))
