"""An agent's test cases and what an answer must fulfil to pass one; pure, and the same without any network.

A phrase is found in an answer when it stands in it anywhere, letters compared without case and blanks without number:
`9 am` is in `We open at 9  AM.`, and also in `19 am`. There are no patterns and no judgement by a model.
"""

import json
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from functions.agents.models import Definition
from functions.shared import ids
from functions.shared.http import Answer, Body

MAX_CASES = 50
Version = Literal["draft", "published"]
HAND_OFF = "hand_off"


def normalised(text: str) -> str:
    """The text as phrases are compared: Unicode's compatibility form without case, one space for all blanks."""
    # Folding can make what has another canonical form, so both are done twice (Unicode 3.13, D146).
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", text).casefold()).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _something(text: str) -> str:
    if not normalised(text):
        raise ValueError("there is nothing in it")
    return text


Question = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000), AfterValidator(_something)]
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_something)]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=10)]


class Case(Body):
    """One test case: a question as the first message of a conversation, and what its answer must fulfil."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", description="Unique among the agent's cases.")
    question: Question
    must: Phrases = Field(default=(), description="Phrases that the answer must have, each of them.")
    must_not: Phrases = Field(default=(), description="Phrases of which the answer may have none.")
    hand_off: bool | None = Field(default=None, description="Whether the answer must hand over; null: either way.")
    source: Phrase | None = Field(default=None, description="Title of the knowledge that the answer must name.")


class Cases(Body):
    """All test cases of an agent."""

    cases: Annotated[tuple[Case, ...], Field(max_length=MAX_CASES)] = ()

    @field_validator("cases")
    @classmethod
    def _named_once(cls, cases: tuple[Case, ...]) -> tuple[Case, ...]:
        names = [case.id for case in cases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"an id comes twice: {', '.join(twice)}")
        return cases


class Fault(Answer):
    """One rule that an answer broke; `expected` is the rule's phrase, `true` or `false`, or the title."""

    rule: Literal["must", "must_not", "hand_off", "source"]
    expected: str


def judged(case: Case, answer: str, actions: Collection[str], titles: Collection[str]) -> list[Fault]:
    """What the answer breaks, in the order of the rules; nothing means that it passes."""
    said = normalised(answer)
    faults = [Fault(rule="must", expected=phrase) for phrase in case.must if normalised(phrase) not in said]
    faults += [Fault(rule="must_not", expected=phrase) for phrase in case.must_not if normalised(phrase) in said]
    if case.hand_off is not None and case.hand_off != (HAND_OFF in actions):
        faults.append(Fault(rule="hand_off", expected=str(case.hand_off).lower()))
    if case.source is not None and normalised(case.source) not in {normalised(title) for title in titles}:
        faults.append(Fault(rule="source", expected=case.source))
    return faults


def stored_cases(document: Mapping[str, Any]) -> tuple[Case, ...]:
    """The cases of `workspaces/{workspace}/checks/{agent}`; none where nobody has written any."""
    return Cases.model_validate_json(json.dumps({"cases": document.get("cases") or []})).cases


def digest_of(cases: Sequence[Case]) -> str:
    """A name for exactly these cases in this order."""
    return ids.hashed("checks", json.dumps([case.model_dump(mode="json") for case in cases], sort_keys=True))


def digest(definition: Definition, knowledge_revision: str, cases: str) -> str:
    """A name for what a run judges: this definition with this state of the knowledge, by the cases of that digest."""
    return ids.hashed(json.dumps(definition.model_dump(mode="json"), sort_keys=True), knowledge_revision, cases)
