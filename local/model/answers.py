"""What the offline model answers: sentences of the knowledge, word for word, with the number of their source.

It is not a language model and says so. It compares the question with each passage's sentences by vector and by shared
words; below a floor it does not know and says that instead of guessing. Same prompt, same answer.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from local.model import phrases
from local.model.knowledge import Passage, passages

Embed = Callable[[Sequence[str]], Any]

# Evidence from which a passage is quoted. It is lower than retrieval's, whose choice the passages already are.
_COSINE, _SHARED, _TOGETHER = 0.24, 0.25, 0.65
_WHOLE = 140  # characters up to which a passage is quoted whole
_NEAR = 0.75
_CELLS = " – "
_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[^\W\d_a-zß-ÿ]|[«\"“¿¡])|(?<=[。！？])")
_RULE = re.compile(r"[\s|:-]*")
_GRAMMAR = re.compile("[぀-ゟ]")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Answer:
    """The text, and the reason for a hand-off where one is due (`asked`, `unanswered`)."""

    text: str
    hand_off: str | None = None


def answer(system: str, turns: Sequence[tuple[str, str]], embed: Embed, *, may_hand_off: bool) -> Answer:
    """The answer to the last turn of the user.

    With `may_hand_off` the caller offers that action; without, a hand-off is only suggested in words.
    """
    question = next((text for role, text in reversed(turns) if role == "user"), "").strip()
    spoken = phrases.LANGUAGES[phrases.language_of(question)]
    if phrases.is_greeting(question, spoken):
        return Answer(spoken.greet)
    if phrases.is_thanks(question, spoken):
        return Answer(spoken.welcome)
    if any(language.person.search(question) for language in phrases.LANGUAGES.values()):
        return Answer(spoken.hand_off if may_hand_off else spoken.offer, "asked" if may_hand_off else None)
    quote = _best(question, passages(system), embed)
    if quote is None:
        return Answer(f"{spoken.unknown} {spoken.offer}", "unanswered" if may_hand_off else None)
    return Answer(quote)


def tokens(text: str) -> int:
    """How many tokens we count: a word, a digit group, a mark or a single ideograph each; the same every time."""
    return sum(len(piece) if ord(piece[0]) > 0x2E80 else -(-len(piece) // 8) for piece in _PIECE.findall(text))


_PIECE = re.compile(r"\w+|[^\w\s]")


def _best(question: str, found: Sequence[Passage], embed: Embed) -> str | None:
    if not found:
        return None
    vectors = embed([question, *(f"{passage.title}\n{passage.text}" for passage in found)])
    scored = []
    for passage, vector in zip(found, vectors[1:], strict=True):
        meaning = max(0.0, float(vectors[0] @ vector)) / _COSINE
        words = _shared(question, f"{passage.title} {passage.text}") / _SHARED
        scored.append((max(meaning, words, (meaning + words) * _TOGETHER), passage))
    # The composer has ranked the passages already: among equals the earlier one wins.
    score, passage = max(scored, key=lambda pair: pair[0])
    if score < 1:
        return None
    return f"{_quoted(question, passage, embed)} [{passage.number}]"


def _quoted(question: str, passage: Passage, embed: Embed) -> str:
    """The passage, or of a longer one the sentence nearest to the question with the next one if that is near too."""
    units, table = _units(passage.text)
    if not units:
        return passage.title
    if not table and len(passage.text) <= _WHOLE:
        return " ".join(units)
    vectors = embed([question, *units])
    # What the title says already chooses no sentence: under "Fillings" it is "medium" that was asked for.
    telling = {word for word in _stems(question) if not _held({word}, passage.title)}
    scores = [
        float(vectors[0] @ vector) + _held(telling, unit) for unit, vector in zip(units, vectors[1:], strict=True)
    ]
    best = _telling(units, scores)
    near = best + 1 < len(units) and not _asks(units[best + 1]) and scores[best + 1] >= _NEAR * scores[best]
    quote = " ".join(units[best : best + 2 if near else best + 1])
    # A row alone says too little: "medium – 160" of what?
    return f"{passage.title.rpartition(' › ')[2]}: {quote}" if _CELLS in units[best] else quote


def _telling(units: Sequence[str], scores: Sequence[float]) -> int:
    """The unit with the highest score. A question is no answer: what follows it is, or else the best of the others."""
    best = scores.index(max(scores))
    if not _asks(units[best]):
        return best
    if best + 1 < len(units) and not _asks(units[best + 1]):
        return best + 1
    return max((number for number, unit in enumerate(units) if not _asks(unit)), key=scores.__getitem__, default=best)


def _asks(unit: str) -> bool:
    return unit.endswith(("?", "？", "؟"))


def _units(text: str) -> tuple[list[str], bool]:
    """The sentences, list items and table rows of a passage, and whether it has a table.

    Marks of lists, rules of tables and a table's head are left out, words never.
    """
    units: list[str] = []
    table = False
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if _RULE.fullmatch(line):
            continue
        if line.lstrip().startswith("|"):
            table = True
            if number + 1 == len(lines) or not _RULE.fullmatch(lines[number + 1]):
                units.append(_CELLS.join(cell.strip() for cell in line.strip().strip("|").split("|")))
            continue
        plain = re.sub(r"^\s*(?:[-*+]|\d+\.)\s+", "", line).strip()
        units += [part.strip() for part in _SENTENCE.split(plain) if part and part.strip()]
    return units, table


def _shared(question: str, text: str) -> float:
    """The share of the question's words that the text has, endings apart."""
    return _held(_stems(question), text)


def _held(asked: set[str], text: str) -> float:
    held = _stems(text)
    long = [word for word in held if len(word) >= 4]
    found = sum(
        word in held or (len(word) >= 4 and any(word.startswith(other) or other.startswith(word) for other in long))
        for word in asked
    )
    return found / len(asked) if asked else 0.0


def _stems(text: str) -> set[str]:
    """Words cut to six letters, small words left out; ideographs in pairs. Crude, and enough to compare."""
    found: set[str] = set()
    small = {mark for language in phrases.LANGUAGES.values() for mark in language.marks}
    for word in _WORD.findall(text.casefold()):
        if ord(word[0]) > 0x2E80:
            pairs = (word[i : i + 2] for i in range(max(1, len(word) - 1)))
            found |= {pair for pair in pairs if not _GRAMMAR.search(pair)}
        elif word not in small:
            found.add(word[:6])
    return found
