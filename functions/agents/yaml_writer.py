"""Writes an agent's YAML file, and changes one in place so that its comments, order and quotes stay.

Whatever is written is read again by our own reader before it is used: a file that would say something else than the
definition is never stored. What cannot be changed in place is written anew; then its comments are gone, its content not.
"""

import io
import re
from collections.abc import Mapping
from typing import Any

from functions.agents import definitions, yaml_lines, yaml_reader
from functions.agents.models import Definition
from functions.shared import logs
from functions.shared.errors import Problem

_WIDTH = 1_000_000  # Lines stay as long as they are: a break in a text would be a change in every comparison of files.

_BELOW_KEY = re.compile(r"^[^\s#][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]+)[^\s#-]", re.MULTILINE)
_DASH = re.compile(r"^([ ]*)[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]*)- ", re.MULTILINE)
# Texts that older readers of YAML take for a truth value, a time or a number.
_DOUBTFUL = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null|~)|[-+]?[0-9.][0-9_.,:eE+-]*|0[xob][0-9a-fA-F_]+|=|<<")


def fresh(definition: Definition) -> str:
    """The file of a definition, every field written out, in the order of the schema."""
    values = definitions.stored(definition)
    for quoted in (False, True):
        text = _dumped(_yaml(2, 2), _styled(values, quoted))
        if _says(text, definition):
            return text
    raise ValueError("a definition that cannot be written as YAML")


def changed(text: str, before: Definition, after: Definition) -> str:
    """The file of `before` with what is new in `after`: every line without a change stays byte for byte as it is."""
    if before == after:
        return text
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    lines = text.removeprefix(mark)
    windows = "\r\n" in lines and "\n" not in lines.replace("\r\n", "")
    result = _changed(lines.replace("\r\n", "\n") if windows else lines, before, after)
    return mark + (result.replace("\n", "\r\n") if windows else result)


def _changed(text: str, before: Definition, after: Definition) -> str:
    from ruamel.yaml.error import YAMLError

    try:
        yaml = _yaml(*_indents(text))
        document = yaml.load(text)
        tidied = _dumped(yaml, yaml.load(text))
        _assign(document, definitions.stored(before), definitions.stored(after))
        result = _dumped(yaml, document)
    except (YAMLError, TypeError, AttributeError, ValueError, IndexError, KeyError) as error:
        # The library's model of comments has corners of its own; the definition counts more than they do.
        logs.warning("a file was written anew", reason=type(error).__name__)
        return fresh(after)
    if not _says(result, after):
        logs.warning("a file was written anew", reason="it would have said something else")
        return fresh(after)
    open_end = not text.endswith("\n")
    narrow = yaml_lines.merged(f"{text}\n" if open_end else text, tidied, result)
    if open_end and narrow.splitlines()[-1] == text.splitlines()[-1]:
        narrow = narrow.removesuffix("\n")
    return narrow if _says(narrow, after) else result


def _says(text: str, definition: Definition) -> bool:
    try:
        return definitions.formed(yaml_reader.read(text.encode()).values) == definition
    except Problem:
        return False


def _assign(node: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Carry the differences between old and new values over to the file's mapping."""
    for key, value in new.items():
        known = old.get(key)
        if known == value:
            continue
        if isinstance(value, Mapping) and isinstance(known, Mapping) and isinstance(node.get(key), Mapping):
            _assign(node[key], known, value)
        elif isinstance(value, Mapping) and isinstance(known, Mapping):
            # The file leaves the part to its defaults: only what differs is written.
            _put(node, key, {name: item for name, item in value.items() if known.get(name) != item})
        elif isinstance(value, list) and isinstance(node.get(key), list):
            _replace(node[key], value)
        elif value is None:
            node.pop(key, None)
        else:
            _put(node, key, value)


def _put(node: Any, key: str | int, value: Any) -> None:
    """Set a value. The comment behind a block of text begins a line of its own, so it must behind a word too."""
    from ruamel.yaml.scalarstring import LiteralScalarString, ScalarString

    old = node[key] if isinstance(key, int) else node.get(key)
    node[key] = new = _styled(value, False)
    tokens = node.ca.items.get(key) or ()
    if isinstance(old, ScalarString) and not isinstance(new, LiteralScalarString):
        for token in tokens:
            if getattr(token, "value", "").startswith("#") and token.start_mark.column == 0:
                token.value = f"\n{token.value}"


def _replace(sequence: Any, items: list[Any]) -> None:
    """Make the items those of the sequence; what stays in its place keeps its comment and its quotes."""
    for number, item in enumerate(items):
        if number >= len(sequence):
            sequence.append(_styled(item, False))
        elif sequence[number] != item:
            _put(sequence, number, item)
    while len(sequence) > len(items):
        # By a number from the front: with -1 the library moves the comments of all items.
        sequence.pop(len(sequence) - 1)


def _styled(value: Any, quoted: bool) -> Any:
    """The same with the style in which it is written: long texts as blocks, doubtful ones in quotes."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

    if isinstance(value, Mapping):
        return {key: _styled(item, quoted) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_styled(item, quoted) for item in value]
    if isinstance(value, str):
        plain = value == value.strip() and value.replace("\n", "").isprintable() and not _DOUBTFUL.fullmatch(value)
        if quoted or not value or not plain:
            return DoubleQuotedScalarString(value)
        if "\n" in value:
            return LiteralScalarString(value)
    return value


def _indents(text: str) -> tuple[int, int]:
    """How far the file indents below a mapping, and the dashes below a key; its first uses decide."""
    mapping = _BELOW_KEY.search(text)
    dash = _DASH.search(text)
    return len(mapping[1]) if mapping else 2, len(dash[2]) - len(dash[1]) if dash else 2


def _yaml(mapping: int, offset: int) -> Any:
    from ruamel.yaml import YAML

    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    yaml.indent(mapping=mapping, sequence=max(offset, 0) + 2, offset=max(offset, 0))
    return yaml


def _dumped(yaml: Any, document: Any) -> str:
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()
