"""Origins are stored as browsers send them, and nothing that is not an origin is stored at all."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.widgets.models import (
    LANGUAGES,
    NewWidget,
    PreChat,
    PreChatField,
    Proactive,
    Texts,
    Theme,
    WidgetChange,
    origin,
)

SOURCES = Path(__file__).parent.parent.parent.parent / "web" / "widget" / "src"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Shop.Example", "https://shop.example"),
        (" https://shop.example/ ", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:0443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://xn--mller-kva.example", "https://xn--mller-kva.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(given: str, kept: str) -> None:
    assert origin(given) == kept
    assert origin(kept) == kept


@pytest.mark.parametrize(
    "given",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://shop.example/path",
        "https://shop.example?x",
        "https://shop.example#x",
        "https://user@shop.example",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://shop.example:",
        "https://",
        "https://.",
        "https://a..b",
        "https://*.shop.example",
        "https://shop.example\nhttps://evil.example",
        "http://shop.example",
        "http://localhost.evil.example",
        "ftp://shop.example",
        "//shop.example",
        "shop.example",
        "null",
        "*",
        "",
    ],
)
def test_what_is_no_origin_is_refused(given: str) -> None:
    with pytest.raises(ValueError):
        origin(given)


@given(st.text(max_size=40))
def test_whatever_is_kept_is_kept_again_unchanged(text: str) -> None:
    try:
        kept = origin("https://" + text)
    except ValueError:
        return
    assert origin(kept) == kept
    assert re.fullmatch(r"https://[a-z0-9.:\[\]-]+", kept)


def test_an_origin_is_stored_once_and_a_list_has_its_limit() -> None:
    twice = NewWidget(agent_id="a", allowed_origins=["https://a.example", "https://A.example/"])
    assert twice.allowed_origins == ["https://a.example"]
    assert WidgetChange(allowed_origins=["https://a.example:443"]).allowed_origins == ["https://a.example"]
    with pytest.raises(ValidationError):
        NewWidget(agent_id="a", allowed_origins=[f"https://a{number}.example" for number in range(51)])


def test_every_word_of_the_script_can_be_said_in_another_way() -> None:
    english = json.loads((SOURCES / "texts" / "en.json").read_text(encoding="utf-8"))
    # The one text that only owners have.
    assert {*english, "privacy_notice"} == set(Texts.model_fields)


def test_the_languages_that_are_named_are_those_that_have_words() -> None:
    assert {path.stem for path in (SOURCES / "texts").glob("*.json")} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (lambda: PreChat(fields=[]), "at least 1 item"),
        (lambda: PreChat(fields=[PreChatField(kind="email"), PreChatField(kind="email")]), "asked for once"),
        (lambda: PreChat(fields=[PreChatField(kind="custom", labels={"en": "x"})] * 4), "at most 3 custom"),
        (lambda: PreChatField(kind="custom"), "needs a label"),
        (lambda: Proactive(), "after_seconds, scroll_percent"),
        (lambda: Theme(accent="red"), "pattern"),
        (lambda: NewWidget(agent_id="a", languages=[]), "at least 1 item"),
    ],
)
def test_what_a_widget_cannot_ask_for_or_look_like_is_refused(made: Callable[[], object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        made()
