"""What a language model would have said: the one thing in the demo's data that is made up and not made.

It stands where a provider stands, so the prompt it gets is the real one, with the knowledge that the product found and
the history that the product kept; its tokens are counted from that. Embeddings come from the provider that it replaces.
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from local.life.past import Past

_WORDS_AT_ONCE = 12

# For each model: seconds until the first word, from and to; words a second; tokens of thoughts, from and to.
_PACE: dict[str, tuple[float, float, int, int, int]] = {
    "gemini-3.1-flash-lite": (0.25, 0.6, 60, 0, 0),
    "gemini-3.5-flash-lite": (0.3, 0.8, 55, 0, 0),
    "gemini-3.8-flash": (1.1, 3.2, 45, 120, 520),
    "gemini-4-argon": (1.8, 4.6, 30, 260, 900),
}


@dataclass(frozen=True)
class Part:
    """What the model says next, and how it goes about it."""

    text: str
    first_word: float
    """Seconds until the first word."""
    whole: float
    """Seconds until the last one."""
    thoughts: int = 0
    """Tokens, for models that think."""
    passage: str = ""
    """The title of the knowledge that the answer quotes, when the prompt has it."""
    person: str = ""
    """Why a person is to take over, in a sentence."""
    lead: bool = False
    """Whether the visitor is asked for contact details."""
    breaks: str = ""
    """`unavailable` before the first word, with the fallback there; `down`, with that too; `interrupted` after some."""


def part_for(
    model: str,
    text: str,
    chance: random.Random,
    *,
    passage: str = "",
    person: str = "",
    lead: bool = False,
    breaks: str = "",
) -> Part:
    """What this model says, and how long it takes; now and then it is slow."""
    earliest, latest, speed, least, most = _PACE[model]
    first = chance.triangular(earliest, latest, earliest + (latest - earliest) / 3)
    if chance.random() < 0.04:
        first += chance.uniform(1.5, 5.0)
    whole = first + len(text.split()) / (speed * chance.uniform(0.8, 1.2)) * 1.6
    thoughts = chance.randint(least, most) if most else 0
    return Part(text, round(first, 3), round(whole, 3), thoughts, passage, person, lead, breaks)


class Script:
    """The part that is played next."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.part = Part("", 0.5, 1.0)


class Actor:
    """A provider of the product's (`functions.agents.providers.Provider`) that plays the script."""

    def __init__(self, script: Script, real: Any, items: Any) -> None:
        """`real` is the provider for embeddings, `items` the module with the nouns of a stream."""
        self._script, self._real, self._items = script, real, items
        self._vectors: dict[tuple[str, str, str], list[float]] = {}

    def stream(self, request: Any, deadline: float, cancellation: Any = None) -> Generator[Any, None, None]:
        """The part, with the time it takes."""
        items, part, past = self._items, self._script.part, self._script.past
        if part.breaks == "down" or (part.breaks == "unavailable" and not request.model.startswith("offline")):
            past.pass_by(part.whole)
            raise items.ModelUnavailable("overloaded")
        asked = items.estimate_tokens(request.system + "".join(turn.text for turn in request.turns))
        kept = items.estimate_tokens("".join(turn.text for turn in request.turns[:-1]))
        text = _cited(part, request.system)
        pieces = _pieces(text)
        past.pass_by(part.first_word)
        past.expect_a_look()
        yield items.TextDelta(pieces[0])
        past.wait_for_a_look()
        past.pass_by(part.whole - part.first_word)
        if part.breaks == "interrupted":
            raise items.ModelInterrupted("the connection broke")
        for piece in pieces[1:]:
            yield items.TextDelta(piece)
        names = {tool.name for tool in request.tools}
        if part.person and "hand_off" in names:
            yield items.ToolCall("hand_off", {"reason": "asked", "summary": part.person})
        if part.lead and "collect_lead" in names:
            yield items.ToolCall("collect_lead", {})
        yield items.UsageReport(items.Usage(asked - kept, kept, items.estimate_tokens(text), part.thoughts))
        yield items.Finished("stop")

    def embed(self, texts: Sequence[str], model: str, deadline: float, purpose: str = "document") -> list[list[float]]:
        """Vectors of the provider that is replaced; each text is asked for once."""
        missing = [text for text in dict.fromkeys(texts) if (text, model, purpose) not in self._vectors]
        if missing:
            found = self._real.embed(missing, model, deadline, purpose)
            self._vectors |= {(text, model, purpose): vector for text, vector in zip(missing, found, strict=True)}
        return [self._vectors[text, model, purpose] for text in texts]

    def count_tokens(self, request: Any, deadline: float) -> int:
        """The prompt's tokens, by their estimate."""
        return int(self._items.estimate_tokens(request.system + "".join(turn.text for turn in request.turns)))


def _cited(part: Part, system: str) -> str:
    """The text with the number of its source, as the prompt numbers it."""
    for line in system.splitlines() if part.passage else ():
        number, separator, title = line.partition("] ")
        if separator and number.startswith("[") and part.passage in title:
            return f"{part.text} {number}]"
    return part.text


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    groups = [words[at : at + _WORDS_AT_ONCE] for at in range(0, len(words), _WORDS_AT_ONCE)]
    return [" ".join(group) + (" " if number < len(groups) - 1 else "") for number, group in enumerate(groups)]
