"""What the wizard knows about each kind of business, a file each, so that a newcomer starts well.

industries/README.md says how a file is written; whoever knows the trade may do so without knowing the program.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from functions.agents.models import HandOff, Lines, Tone
from functions.agents.providers import load
from functions.shared.errors import NotFound

FOLDER = Path(__file__).with_name("industries")
GENERAL = "general"
_ID = re.compile(r"[a-z][a-z_]{1,38}[a-z]")


class BadIndustry(ValueError):
    """A file that cannot be used; the message names the file and what is wrong with it."""


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


def read(path: Path) -> Industry:
    """The industry that a file describes; its id is the file's name. Raises BadIndustry."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not _ID.fullmatch(path.stem):
        raise BadIndustry(f"{path.name}: a file is named by lower-case letters and _, such as pet_care.yaml.")
    try:
        values = YAML(typ="safe", pure=True).load(path)
    except (YAMLError, UnicodeError) as error:
        raise BadIndustry(f"{path.name} is not YAML: {error}") from error
    if not isinstance(values, dict) or "id" in values:
        raise BadIndustry(f"{path.name}: write one field a line, and no id; the file's name is the id.")
    try:
        return Industry.model_validate({**values, "id": path.stem})
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise BadIndustry(f"{path.name}: {found}") from error


@cache
def every() -> tuple[Industry, ...]:
    """All industries, the general one first, the others by name. Raises BadIndustry."""
    found = [read(path) for path in FOLDER.glob("*.yaml")]
    return tuple(sorted(found, key=lambda industry: (industry.id != GENERAL, industry.name.casefold())))


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
    return load().roles[role]
