"""What the offline model answers: sentences of the knowledge, word for word, with the number of their source.

It is not a language model and says so. It compares the question with each passage's sentences by vector and by shared
words; below a floor it does not know and says that instead of guessing. Same prompt, same answer.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from local.model import phrases
from local.model.knowledge import Passage, passages

Embed = Callable[[Sequence[str]], Any]

# Evidence from which a passage is quoted. It is lower than retrieval's, whose choice the passages already are.
_COSINE, _SHARED, _TOGETHER = 0.24, 0.4, 0.65
_WHOLE = 320  # characters up to which a passage is quoted whole
_LONGEST = 480
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
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
    """The passage, or its sentences around the one that is nearest to the question."""
    if len(passage.text) <= _WHOLE:
        return " ".join(_lines(passage.text))
    sentences = [part.strip() for part in _SENTENCE.split(passage.text) if part and part.strip()]
    vectors = embed([question, *sentences])
    scores = [
        float(vectors[0] @ vector) + 0.5 * _shared(question, sentence)
        for sentence, vector in zip(sentences, vectors[1:], strict=True)
    ]
    first = last = scores.index(max(scores))
    size = len(sentences[first])
    while True:
        after = len(sentences[last + 1]) if last + 1 < len(sentences) else _LONGEST
        if size + after > _LONGEST or last - first == 2:
            break
        last += 1
        size += after
    return " ".join(_lines("\n".join(sentences[first : last + 1])))


def _lines(text: str) -> Iterable[str]:
    """The lines of a passage as prose: marks of lists and rules of tables are left out, words never."""
    for line in text.splitlines():
        plain = re.sub(r"^\s*(?:[-*+]|\d+\.)\s+", "", line).strip()
        if re.fullmatch(r"[\s|:-]*", plain):
            continue
        if plain.startswith("|"):
            plain = " – ".join(cell.strip() for cell in plain.strip("|").split("|")) + ";"
        yield plain


def _shared(question: str, text: str) -> float:
    """The share of the question's words that the text has, endings apart."""
    asked, held = _stems(question), _stems(text)
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
