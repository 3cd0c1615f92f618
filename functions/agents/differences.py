"""What differs between two definitions, by section and field: whole for who compares versions, short for the feed."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from functions.agents import hours, text_differences
from functions.agents.definitions import stored
from functions.agents.models import Definition, Hours
from functions.agents.text_differences import TextLine
from functions.shared.http import Answer

SECTIONS: dict[str, tuple[str, ...]] = {
    "identity": ("name", "industry", "languages", "business"),
    "behaviour": ("tone", "goals", "must_do", "must_not_do", "notice", "instructions"),
    "welcome": ("greeting", "sample_questions", "away_message"),
    "hand_off": ("hand_off", "leads"),
    "knowledge": ("knowledge",),
    "model": ("model",),
}
"""The wizard's pages and the fields on each; a field that is missing here would be missing in every difference."""

TOLD_CHARACTERS = 400
"""What the activity feed keeps of a field on each side, at most."""

_SHORT_TEXT, _SHORT_LIST = 200, 10
"""Texts of so many characters and lists of so many items are kept whole, where they have room."""


class FieldChange(Answer):
    """One field that differs.

    `added` and `removed` are for lists of texts; `lines` for texts, and in words for opening hours and the model that
    stands in. `before` and `after` are the values as the definition has them.
    """

    field: str
    before: Any
    after: Any
    added: list[str] | None = None
    removed: list[str] | None = None
    lines: list[TextLine] | None = None


class SectionChange(Answer):
    """What differs on one page of the wizard."""

    section: str
    changes: list[FieldChange]


def between(before: Definition, after: Definition) -> list[SectionChange]:
    """What changed from one definition to the other, by section and field, in the wizard's order."""
    old, new = stored(before), stored(after)
    found = []
    for section, names in SECTIONS.items():
        changes = [change for name in names for change in _changes(name, old[name], new[name])]
        if changes:
            found.append(SectionChange(section=section, changes=changes))
    return found


def told(changes: list[SectionChange]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after of the changed fields for the activity feed: of long values what differs, `…` where it was cut.

    The two sides of a field always differ, and have at most `TOLD_CHARACTERS` each.
    """
    flat = {change.field: _short(change) for section in changes for change in section.changes}
    return {field: pair[0] for field, pair in flat.items()}, {field: pair[1] for field, pair in flat.items()}


def _changes(field: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if old == new:
        return
    before, after = _lines(field, old), _lines(field, new)
    if before is not None and after is not None:
        yield FieldChange(field=field, before=old, after=new, lines=text_differences.compared(before, after))
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in old:
            yield from _changes(f"{field}.{name}", old[name], new[name])
    elif isinstance(old, list) and isinstance(new, list):
        yield FieldChange(field=field, before=old, after=new, added=_more(old, new), removed=_more(new, old))
    else:
        yield FieldChange(field=field, before=old, after=new)


def _lines(field: str, value: Any) -> list[str] | None:
    """A value as lines of text; None for one that is shown otherwise."""
    if field == "business.hours":
        return hours.lines(None if value is None else Hours.model_validate(value))
    if field == "model.fallback":
        return ["No model stands in"] if value is None else [f"{value['provider']}/{value['id']}"]
    return text_differences.of_text(value) if isinstance(value, str) else None


def _more(old: list[str], new: list[str]) -> list[str]:
    """The items of `new` that `old` has not, or not as often; of equal ones the last."""
    spare = Counter(old)
    found = []
    for item in new:
        if spare[item]:
            spare[item] -= 1
        else:
            found.append(item)
    return found


def _short(change: FieldChange) -> tuple[Any, Any]:
    before, after = change.before, change.after
    if change.added is not None:
        if _is_short(before) and _is_short(after):
            return before, after
        lines = text_differences.compared(before, after)
    elif change.lines is None or (_is_short(before) and _is_short(after)):
        return before, after
    else:
        lines = change.lines
    sides: list[Any] = [text_differences.excerpt(lines, side, TOLD_CHARACTERS) for side in ("removed", "added")]
    if change.added is None:
        sides = ["\n".join(side) for side in sides]
    if sides[0] == sides[1]:
        # They part behind what had room, or in a repetition that was cut.
        old, new = (json.dumps(value, ensure_ascii=False) for value in (before, after))
        return text_differences.where_they_part(old, new, TOLD_CHARACTERS)
    return sides[0], sides[1]


def _is_short(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= _SHORT_LIST and sum(map(len, value)) <= TOLD_CHARACTERS
    return isinstance(value, str) and len(value) <= _SHORT_TEXT
