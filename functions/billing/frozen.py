"""The base of billing's nouns: they never change, know every field of theirs, and go into documents and back."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """What is written once and read as it was: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def to_document(self) -> dict[str, Any]:
        """The fields as plain values that Firestore and JSON hold."""
        return self.model_dump()

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The inverse of `to_document`. Raises ValueError for anything else."""
        return cls.model_validate(document)
