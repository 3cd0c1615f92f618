"""The widget's logic: type checks and unit tests in Node.js, its weight, and its words in every language."""

import base64
import gzip
import hashlib
import json
import re
from typing import Any

import pytest

from functions.widgets.models import LANGUAGES
from infra import web

WIDGET = web.FrontEnd("widget")
TEXTS = WIDGET.source / "src" / "texts"
WORDS: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted(TEXTS.glob("*.json"))
}


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def manifest() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((WIDGET.output / "manifest.json").read_text())
    return found


def weight(path: str) -> int:
    return len(gzip.compress((WIDGET.output / path).read_bytes(), 9))


def test_there_are_words_in_the_languages_that_a_widget_can_offer() -> None:
    assert set(WORDS) == set(LANGUAGES)
    assert len(WORDS) >= 12
    assert "ar" in WORDS


@pytest.mark.parametrize("language", WORDS)
def test_a_languages_words_are_complete_and_have_the_same_places(language: str) -> None:
    english, words = WORDS["en"], WORDS[language]
    assert list(words) == list(english)
    for name, text in words.items():
        assert text.strip() == text != "", name
        assert placeholders(text) == placeholders(english[name]), name
        if language != "en":
            # Words that are the same in both languages are few, and none is a sentence.
            assert text != english[name] or len(text.split()) == 1, name


@pytest.mark.parametrize("language", ["ar", "ja", "ru", "zh"])
def test_a_language_of_another_script_is_written_in_it(language: str) -> None:
    for name, text in WORDS[language].items():
        letters = re.sub(r"\{\w+\}|AI", "", text)
        assert any(ord(letter) > 0x2FF for letter in letters), name


def test_no_javascript_weighs_more_than_the_house_allows(built: None) -> None:
    loader, script = (weight(manifest()[part]["path"]) for part in ("loader", "widget"))
    assert loader <= 2_000
    assert loader + script <= 12_000


def test_a_languages_words_weigh_at_most_1000_bytes(built: None) -> None:
    found = {name: weight(part["path"]) for name, part in manifest().items() if name.startswith("texts-")}
    assert found.keys() == {f"texts-{language}" for language in WORDS}
    assert max(found.values()) <= 1_000, found


def test_the_words_that_are_served_are_those_of_the_sources(built: None) -> None:
    paths = {
        name.removeprefix("texts-"): part["path"] for name, part in manifest().items() if name.startswith("texts-")
    }
    assert {
        language: json.loads((WIDGET.output / path).read_text("utf-8")) for language, path in paths.items()
    } == WORDS
    [digest] = {path.rsplit("-")[-1] for path in paths.values()}
    script = (WIDGET.output / manifest()["widget"]["path"]).read_text("utf-8")
    assert digest.removesuffix(".json") in script


def test_who_pins_the_script_finds_its_digest_beside_it(built: None) -> None:
    assert json.loads((WIDGET.output / "v1" / "manifest.json").read_text()) == manifest()


def test_the_loader_names_the_hashed_file_and_its_digest(built: None) -> None:
    part = json.loads((WIDGET.output / "manifest.json").read_text())["widget"]
    contents = (WIDGET.output / part["path"]).read_bytes()
    loader = (WIDGET.output / "v1" / "widget.js").read_text()
    digest = f"sha384-{base64.b64encode(hashlib.sha384(contents).digest()).decode()}"
    assert part["integrity"] == digest
    assert digest in loader
    assert part["path"].removeprefix("v1/") in loader


def test_the_widget_never_makes_markup_from_text(built: None) -> None:
    part = json.loads((WIDGET.output / "manifest.json").read_text())["widget"]
    contents = (WIDGET.output / part["path"]).read_text()
    for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert dangerous not in contents


def test_the_types_of_the_widget_are_right(built: None) -> None:
    node = web.find_node()
    node.run((*node.npm, "run", "--silent", "check"), WIDGET.source)


def test_the_logic_of_the_widget_passes_its_own_tests(built: None) -> None:
    node = web.find_node()
    node.run((*node.node, "test/run.mjs"), WIDGET.source)
