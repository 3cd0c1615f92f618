"""What the wizard knows about each kind of business, read from industries.yaml, so that a newcomer starts well."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from functions.agents.models import HandOff, Lines, Tone
from functions.shared.errors import NotFound

PATH = Path(__file__).with_name("industries.yaml")
GENERAL = "general"


class Industry(BaseModel):
    """One kind of business with everything that a good agent for it needs; `notice` is empty where none is due."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: str
    name: str
    description: str
    regulated: bool
    model_role: str
    tone: Tone
    goals: Lines
    must_do: Lines
    must_not_do: Lines
    notice: str
    hand_off: HandOff
    sample_questions: Lines
    greeting: str
    away_message: str
    knowledge: Lines

    def defaults(self) -> dict[str, Any]:
        """The fields of a definition that this industry fills, as JSON values."""
        names = (
            "tone", "goals", "must_do", "must_not_do", "notice", "hand_off", "sample_questions", "greeting",
            "away_message",
        )  # fmt: skip
        return {"industry": self.id, **self.model_dump(mode="json", include=set(names))}


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    model_roles: dict[str, tuple[str, ...]]
    industries: tuple[Industry, ...]


@cache
def _load() -> _File:
    from ruamel.yaml import YAML

    return _File.model_validate(YAML(typ="safe", pure=True).load(PATH))


def every() -> tuple[Industry, ...]:
    """All industries, the general one first."""
    return _load().industries


def known(industry: str) -> Industry | None:
    """The industry of that id, or None."""
    return next((found for found in every() if found.id == industry), None)


def find(industry: str) -> Industry:
    """The industry of that id. Raises NotFound."""
    found = known(industry)
    if found is None:
        raise NotFound("There is no such industry.")
    return found


def models_for(role: str) -> tuple[str, ...]:
    """Models as `provider/id` that fill a role (quick, thinking), the best first."""
    return _load().model_roles[role]
