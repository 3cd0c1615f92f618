"""docs/money.md names tests for each of the sixteen rules of money, and each of them is there."""

import ast
import re
from functools import cache

import pytest

from infra import openapi

ROOT = openapi.ROOT
PAGE = (ROOT / "docs" / "money.md").read_text("utf-8")
RULES = dict(re.findall(r"^## (\d+)\. (?:.+)$\n([\s\S]*?)(?=^## |\Z)", PAGE, re.MULTILINE))
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests that a file has."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_all_sixteen_rules_are_there_in_order() -> None:
    assert list(RULES) == [str(number) for number in range(1, 17)]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_shown_by_several_tests(rule: str) -> None:
    assert len(re.findall(r"^- `tests/", RULES[rule], re.MULTILINE)) >= 3


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED)), ids=lambda part: part.rpartition("/")[2])
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert name in names_in(path)


def test_every_line_of_the_page_that_names_a_test_was_understood() -> None:
    assert len(NAMED) == PAGE.count("tests/")
