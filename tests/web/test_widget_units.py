"""The widget's logic: type checks and unit tests in Node.js, its weight, and the contrast of its themes."""

import base64
import gzip
import hashlib
import json

import pytest

from infra import web

WIDGET = web.FrontEnd("widget")
THEMES: dict[str, str] = json.loads((WIDGET.source / "src" / "themes.json").read_text())
NAMES = [name for name in THEMES if name != "base"]

TEXT = 5.5
CONTROL = 3.3
# What stands on what: a foreground, its grounds, and the ratio that it needs.
PAIRS = [
    ("text", ("surface", "bubble", "alt"), TEXT),
    ("muted", ("surface", "alt"), TEXT),
    ("danger", ("surface",), TEXT),
    ("accent", ("surface", "bubble"), TEXT),
    ("on-accent", ("accent",), TEXT),
    ("control", ("surface",), CONTROL),
    ("focus", ("surface",), CONTROL),
]


def colours(theme: str) -> dict[str, tuple[str, str]]:
    """Each colour of a theme by name, for light and dark."""
    words = f"{THEMES['base']} {THEMES[theme]}".split()
    return {words[at]: (words[at + 1], words[at + 2]) for at in range(0, len(words), 3)}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio as WCAG 2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_six_themes_are_those_of_the_design() -> None:
    assert NAMES == ["paper", "ocean", "forest", "clay", "plum", "contrast"]


@pytest.mark.parametrize("theme", NAMES)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_theme_can_be_read(theme: str, scheme: int) -> None:
    found = colours(theme)
    for foreground, grounds, least in PAIRS:
        for ground in grounds:
            ratio = contrast(found[foreground][scheme], found[ground][scheme])
            assert ratio >= least, f"{theme}: {foreground} on {ground} is {ratio:.2f}"


def test_the_whole_widget_weighs_at_most_12000_bytes(built: None) -> None:
    manifest = json.loads((WIDGET.output / "manifest.json").read_text())
    sizes = {
        name: len(gzip.compress((WIDGET.output / part["path"]).read_bytes(), 9)) for name, part in manifest.items()
    }
    assert sum(sizes.values()) <= 12_000, sizes


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
