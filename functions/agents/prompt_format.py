"""How retrieved knowledge stands in a system prompt, and which structured actions a model may ask for.

The format is a contract with every model, and with the offline one in particular, which reads it back
(tests/contracts/test_prompt_format.py holds both to it):

    <knowledge>
    [1] Title of the first passage
    Its text, in one or more lines.

    [2] Title of the second
    Its text.
    </knowledge>

A passage begins with its number in brackets at the start of a line and ends with a blank line; its text holds no blank
line, no line that begins with a number in brackets and no tag of the block, so that knowledge cannot pose as another
passage or end the block early. An answer names its sources by those numbers.
"""

import re
from collections.abc import Iterable

from functions.agents.providers.models import Tool

OPEN = "<knowledge>"
CLOSE = "</knowledge>"

HAND_OFF = Tool(
    name="hand_off",
    description=(
        "Hand the conversation over to a person. Call it when the visitor asks for a person, or when the knowledge "
        "does not answer the question and a person could."
    ),
    parameters={
        "type": "object",
        "properties": {
            "reason": {"type": "string", "enum": ["asked", "unanswered", "rule"]},
            "summary": {"type": "string", "description": "What the visitor needs, in one sentence."},
        },
        "required": ["reason"],
    },
)

COLLECT_LEAD = Tool(
    name="collect_lead",
    description=(
        "Show the visitor a form for contact details, with consent. Call it when the visitor wants to be contacted or "
        "offers contact details."
    ),
    parameters={"type": "object", "properties": {}},
)

# Marks that nobody sees and that would hide a blank line or a number from a pattern, but not from a model.
_UNSEEN = "\u200b-\u200f\u2060-\u2064\ufeff\u00ad"
_BREAKS = re.compile(rf"\n[\s{_UNSEEN}]*\n+")
_NUMBERED = re.compile(rf"^([\s{_UNSEEN}]*)\[(\d+)\]", re.MULTILINE)
_TAG = re.compile(rf"<([\s/{_UNSEEN}]*knowledge\b[^<>\n]{{0,80}})>?", re.IGNORECASE)


def without_tags(text: str) -> str:
    """The text with every tag of the block taken apart, however it is written: `‹/knowledge›`."""
    return _TAG.sub(r"‹\1›", text)


def knowledge_block(passages: Iterable[tuple[str, str]]) -> str:
    """The block for passages as (title, text), numbered from 1; empty when there is none."""
    parts = [
        f"[{number}] {_plain(' '.join(title.split()))}\n{_plain(text)}"
        for number, (title, text) in enumerate(passages, 1)
    ]
    # Once more over all of it: a tag must not come of the end of a title and the beginning of its text.
    return "\n".join([OPEN, without_tags("\n\n".join(parts)), CLOSE]) if parts else ""


def _plain(text: str) -> str:
    # Every kind of line break is one, so that no text brings along a blank line of another kind.
    text = without_tags("\n".join(text.splitlines()).strip())
    return _NUMBERED.sub(r"\1(\2)", _BREAKS.sub("\n", text))
