"""Reads back the block of knowledge that an agent's system prompt carries.

The format belongs to the prompt's composer (functions/agents/prompt_format.py), which we may not import:

    <knowledge>
    [1] Title of the first passage
    Its text, in one or more lines.

    [2] Title of the second
    Its text.
    </knowledge>

A passage begins with its number in brackets and ends with a blank line.
tests/contracts/test_prompt_format.py holds both sides to it.
"""

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"<knowledge>\n(.*?)\n</knowledge>", re.DOTALL)
_START = re.compile(r"\[(\d+)\] ?(.*)")


@dataclass(frozen=True, slots=True)
class Passage:
    """One numbered passage."""

    number: int
    title: str
    text: str


def passages(prompt: str) -> list[Passage]:
    """The passages of every block in the prompt, in order."""
    found = []
    for block in _BLOCK.findall(prompt):
        for part in re.split(r"\n\n(?=\[\d+\])", block):
            head, _, text = part.partition("\n")
            start = _START.fullmatch(head)
            if start:
                found.append(Passage(int(start[1]), start[2].strip(), text.strip()))
    return found
