"""Reads an agent's YAML file: a small, strict part of YAML 1.2 without anything that runs, grows or surprises.

The file is read as a stream of events, so nothing is built before it has been checked: no anchors and aliases (a bomb
needs them), no tags (they name code), no directives, one document, no key twice, and bounds on size, depth and number
of nodes. A plain scalar is null, true, false, a number, or the text as it is written: `no`, `12:30` and `2026-01-01`
are texts. Every fault names line and column, counted from 1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from functions.shared.errors import Invalid, Malformed, TooLarge

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
MAX_NODES = 5_000

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}

Place = tuple[int, int]


@dataclass(frozen=True)
class Reading:
    """What a file says, and where: JSON values, and line and column of each by JSON pointer."""

    text: str
    values: Any
    places: dict[str, Place]

    def placed(self, error: Invalid) -> Invalid:
        """The same error with line and column of each fault; of what is missing, those of what should hold it."""
        return Invalid(error.detail, code=error.code, errors=[{**e, **self._place(e["pointer"])} for e in error.errors])

    def _place(self, pointer: str) -> dict[str, int]:
        while pointer and pointer not in self.places:
            pointer = pointer.rpartition("/")[0]
        line, column = self.places.get(pointer, (1, 1))
        return {"line": line, "column": column}


def read(content: bytes) -> Reading:
    """The file's values. Raises TooLarge, Malformed (no YAML) or Invalid (YAML that is not taken), with the place."""
    if len(content) > MAX_BYTES:
        raise TooLarge(f"An agent's file has at most {MAX_BYTES} bytes.")
    try:
        text = content.decode()
    except UnicodeError:
        raise Malformed("The file is not UTF-8.", code="not_yaml") from None
    builder = _Builder()
    for event, kind, place in _events(text.removeprefix("\ufeff")):
        builder.take(event, kind, place)
    if not isinstance(builder.root, dict):
        raise _refused("not_a_mapping", "The file holds one mapping: name, industry, model and so on.", (1, 1))
    return Reading(text, builder.root, builder.places)


def _events(text: str) -> Iterator[tuple[Any, str, Place]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    place = (1, 1)
    try:
        for event in YAML(typ="rt", pure=True).parse(text):
            mark = event.start_mark
            place = (mark.line + 1, mark.column + 1)
            yield event, type(event).__name__.removesuffix("Event"), place
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            place = (mark.line + 1, mark.column + 1)
        raise _malformed(error.problem or "", place) from None
    except ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _malformed("this character is not allowed", place) from None
    except (YAMLError, ValueError):
        # Escapes of no character.
        raise _malformed("", place) from None


def _malformed(problem: str, place: Place) -> Malformed:
    line, column = place
    said = f": {problem[:150]}" if problem and problem.isprintable() else ""
    return Malformed(
        f"Line {line}, column {column} is not YAML{said}.",
        code="not_yaml",
        errors=[{"pointer": "", "message": "This is not YAML.", "line": line, "column": column}],
    )


def _refused(code: str, message: str, place: Place, pointer: str = "") -> Invalid:
    line, column = place
    return Invalid(
        f"Line {line}, column {column}: {message}",
        code=code,
        errors=[{"pointer": pointer, "message": message, "line": line, "column": column}],
    )


@dataclass
class _Open:
    """A mapping or sequence that is being read."""

    value: Any
    pointer: str
    key: str | None = None


@dataclass
class _Builder:
    root: Any = None
    places: dict[str, Place] = field(default_factory=dict)
    _open: list[_Open] = field(default_factory=list)
    _documents: int = 0
    _nodes: int = 0

    def take(self, event: Any, kind: str, place: Place) -> None:
        """One event of the parser."""
        match kind:
            case "DocumentStart":
                self._documents += 1
                if self._documents > 1:
                    raise _refused("many_documents", "A file holds one document.", place)
                if event.version or event.tags:
                    raise _refused("yaml_directive", "Directives such as %YAML are not taken.", place)
            case "Alias":
                raise _refused("yaml_alias", "Anchors and aliases are not taken; write the value out.", place)
            case "Scalar" | "MappingStart" | "SequenceStart":
                self._node(event, kind, place)
            case "MappingEnd" | "SequenceEnd":
                self._open.pop()

    def _node(self, event: Any, kind: str, place: Place) -> None:
        if event.anchor is not None:
            raise _refused("yaml_alias", "Anchors and aliases are not taken; write the value out.", place)
        if event.ctag is not None:
            raise _refused("yaml_tag", "Tags are not taken.", place)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _refused("too_many_nodes", f"A file holds at most {MAX_NODES} keys and values.", place)
        parent = self._open[-1] if self._open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._key(event, kind, place, parent)
            return
        if kind == "Scalar":
            self._put(_scalar(event, place), place, parent)
            return
        if len(self._open) >= MAX_DEPTH:
            raise _refused("too_deep", f"Values are nested at most {MAX_DEPTH} deep.", place)
        value: Any = {} if kind == "MappingStart" else []
        self._open.append(_Open(value, self._put(value, place, parent)))

    def _key(self, event: Any, kind: str, place: Place, parent: _Open) -> None:
        if kind != "Scalar":
            raise _refused("bad_key", "A key is a word.", place, parent.pointer)
        key = str(event.value)
        if key in parent.value:
            raise _refused("duplicate_key", f"{key[:80]} stands here twice.", place, _below(parent.pointer, key))
        parent.value[key] = None
        parent.key = key
        self.places[_below(parent.pointer, key)] = place

    def _put(self, value: Any, place: Place, parent: _Open | None) -> str:
        if parent is None:
            self.root = value
            self.places[""] = place
            return ""
        if isinstance(parent.value, list):
            parent.value.append(value)
            pointer = _below(parent.pointer, str(len(parent.value) - 1))
            self.places[pointer] = place
            return pointer
        key = parent.key
        assert key is not None
        parent.value[key], parent.key = value, None
        return _below(parent.pointer, key)


def _below(pointer: str, part: str) -> str:
    # As the edge writes pointers, long parts cut.
    return f"{pointer}/{part[:200].replace('~', '~0').replace('/', '~1')}"


def _scalar(event: Any, place: Place) -> Any:
    text = str(event.value)
    if _SURROGATE.search(text):
        raise _refused("bad_text", "This text holds half a character.", place)
    if event.style not in (None, ""):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise _refused("bad_number", "This number is too large.", place)
        return number
    return text
