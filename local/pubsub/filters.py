"""Subscription filters: decides from a message's attributes alone whether a subscription gets it.

The language is Google's: `attributes:key`, `attributes.key = "value"`, `!=`, `hasPrefix(attributes.key, "value")`,
combined by NOT (or `-`), AND, OR and parentheses. AND and OR may not be mixed without parentheses.
"""

import json
import re
from collections.abc import Callable, Mapping

from local.pubsub.errors import invalid

Matches = Callable[[Mapping[str, str]], bool]

_LONGEST = 256
_TOKEN = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|!=|[().,:=]|-(?=\s*(?:attributes|hasPrefix|\())|[A-Za-z_][\w-]*)""")
_NAME = re.compile(r"[A-Za-z_][\w-]*")


def _everything(_: Mapping[str, str]) -> bool:
    return True


def compile_filter(text: str) -> Matches:
    """A function from attributes to whether they pass; an empty text lets everything pass.

    Raises Refused (INVALID_ARGUMENT) for a text that is not a filter or is longer than 256 bytes.
    """
    if not text:
        return _everything
    if len(text.encode()) > _LONGEST:
        raise invalid(f"The filter is longer than {_LONGEST} bytes.")
    parser = _Parser(text)
    result = parser.expression()
    parser.end()
    return result


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        self.position = 0
        rest = text.rstrip()
        at = 0
        while at < len(rest):
            found = _TOKEN.match(rest, at)
            if found is None:
                raise self.wrong(rest[at:].strip())
            self.tokens.append(found.group(1))
            at = found.end()

    def wrong(self, near: str) -> Exception:
        return invalid(f"Invalid filter, near {near!r}: {self.text}")

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise self.wrong(token or "the end")
        self.position += 1
        return token

    def end(self) -> None:
        if self.peek():
            raise self.wrong(self.peek())

    def key(self) -> str:
        token = self.take()
        if token.startswith('"'):
            return self.string(token)
        if not _NAME.fullmatch(token):
            raise self.wrong(token)
        return token

    def value(self) -> str:
        token = self.take()
        if not token.startswith('"'):
            raise self.wrong(token)
        return self.string(token)

    def string(self, token: str) -> str:
        try:
            return str(json.loads(token))
        except ValueError:
            raise self.wrong(token) from None

    def expression(self) -> Matches:
        terms = [self.term()]
        joint = ""
        while self.peek() in ("AND", "OR"):
            word = self.take()
            if joint and word != joint:
                raise invalid(f"Invalid filter, AND and OR together need parentheses: {self.text}")
            joint = word
            terms.append(self.term())
        if joint == "OR":
            return lambda attributes: any(term(attributes) for term in terms)
        return lambda attributes: all(term(attributes) for term in terms)

    def term(self) -> Matches:
        token = self.take("NOT", "-", "(", "hasPrefix", "attributes")
        if token in ("NOT", "-"):
            inner = self.term()
            return lambda attributes: not inner(attributes)
        if token == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if token == "hasPrefix":
            return self.prefix()
        return self.comparison()

    def prefix(self) -> Matches:
        self.take("(")
        self.take("attributes")
        self.take(".")
        key = self.key()
        self.take(",")
        start = self.value()
        self.take(")")
        return lambda attributes: key in attributes and attributes[key].startswith(start)

    def comparison(self) -> Matches:
        if self.take(":", ".") == ":":
            present = self.key()
            return lambda attributes: present in attributes
        key = self.key()
        operator = self.take("=", "!=")
        value = self.value()
        if operator == "=":
            return lambda attributes: key in attributes and attributes[key] == value
        return lambda attributes: not (key in attributes and attributes[key] == value)
