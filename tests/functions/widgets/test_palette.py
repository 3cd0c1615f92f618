"""The themes are those of the design and can be read; whatever an owner chooses is shown so that it can be read too."""

import xml.etree.ElementTree as ElementTree
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.widgets import palette, templates
from functions.widgets.models import Theme, ThemeName

NAMES = get_args(ThemeName)
DESIGN = """
paper 8 F1F0EC 1C1D21 25272B ECECEE
ocean 16 E8F1FB 0B5CAD 1B2735 7DB9F5
forest 12 E9F2E8 1F6B3F 1D2920 7FCB98
clay 16 F7EBE0 9C4221 2B221C F0A67E
plum 20 F1EBFA 6B3FA0 251F30 C4A8F0
contrast 4 FFFFFF 000000 000000 FFE94D
"""
# What stands on what: a foreground, its grounds, and the ratio that it needs.
PAIRS = [
    ("text", ("surface", "bubble", "alt"), palette.TEXT),
    ("muted", ("surface", "alt"), palette.TEXT),
    ("danger", ("surface",), palette.TEXT),
    ("accent", ("surface", "bubble"), palette.TEXT),
    ("on-accent", ("accent",), palette.TEXT),
    ("control", ("surface",), palette.CONTROL),
    ("focus", ("surface",), palette.CONTROL),
]
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}")


def readable(colours: dict[str, str]) -> None:
    for foreground, grounds, least in PAIRS:
        for ground in grounds:
            ratio = palette.contrast(colours[foreground], colours[ground])
            assert ratio >= least, f"{foreground} on {ground} is {ratio:.2f}"


@pytest.mark.parametrize("line", DESIGN.strip().splitlines())
def test_the_six_themes_are_those_of_the_design(line: str) -> None:
    name, radius, bubble, accent, bubble_dark, accent_dark = line.split()
    found = palette.look(Theme.model_validate({"name": name}))
    assert found.radius == int(radius)
    assert (found.light["bubble"], found.light["accent"]) == (f"#{bubble}", f"#{accent}")
    assert (found.dark["bubble"], found.dark["accent"]) == (f"#{bubble_dark}", f"#{accent_dark}")


def test_there_are_six_and_all_are_offered() -> None:
    assert list(palette.book()["themes"]) == list(NAMES)
    assert len(NAMES) == 6


@pytest.mark.parametrize("name", NAMES)
def test_every_theme_can_be_read(name: ThemeName) -> None:
    found = palette.look(Theme(name=name))
    readable(found.light)
    readable(found.dark)


def test_the_contrast_is_that_of_wcag() -> None:
    assert palette.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert palette.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert palette.contrast("#767676", "#767676") == 1


@given(st.sampled_from(NAMES), COLOURS, COLOURS, COLOURS, COLOURS)
def test_any_colours_of_an_owner_are_shown_so_that_they_can_be_read(
    name: ThemeName, accent: str, bubble: str, accent_dark: str, bubble_dark: str
) -> None:
    theme = Theme(name=name, accent=accent, bubble=bubble, accent_dark=accent_dark, bubble_dark=bubble_dark)
    found = palette.look(theme)
    for colours in (found.light, found.dark):
        for ground in ("surface", "on-accent", "bubble"):
            assert palette.contrast(colours["accent"], colours[ground]) >= palette.TEXT
        assert palette.contrast(colours["bubble"], colours["text"]) >= palette.TEXT
    shown = {"light": found.light, "dark": found.dark}
    for warning in palette.warnings(theme):
        assert warning.ratio < palette.TEXT <= palette.contrast(warning.nearest, shown[warning.scheme][warning.on])
        assert shown[warning.scheme][warning.pointer.split("/")[-1].removesuffix("_dark")] == warning.nearest
    if not palette.warnings(theme):
        assert (found.light["accent"], found.light["bubble"]) == (accent, bubble)


def test_a_colour_that_can_be_read_is_kept_and_found_without_fault() -> None:
    theme = Theme(name="ocean", accent="#0B5CAD")
    assert palette.look(theme).light["accent"] == "#0B5CAD"
    assert palette.warnings(theme) == []


def test_a_faint_colour_is_a_warning_with_the_nearest_that_passes() -> None:
    [found] = palette.warnings(Theme(accent="#F2B84B"))
    assert (found.pointer, found.scheme, found.on, found.least) == ("/theme/accent", "light", "bubble", 5.5)
    assert found.ratio < 2
    assert palette.contrast(found.nearest, "#F1F0EC") >= 5.5
    # Hardly darker than it must be.
    assert palette.contrast(found.nearest, "#F1F0EC") < 6.2
    assert found.nearest in found.message


def test_only_modes_in_which_the_widget_is_shown_are_checked() -> None:
    dark_blue = "#0B2A5C"
    assert palette.warnings(Theme(accent=dark_blue)) == []
    assert palette.warnings(Theme(accent="#F2B84B", mode="dark")) == []
    [only_dark] = palette.warnings(Theme(accent=dark_blue, mode="dark"))
    assert (only_dark.pointer, only_dark.scheme) == ("/theme/accent", "dark")
    [chosen] = palette.warnings(Theme(accent=dark_blue, accent_dark=dark_blue))
    assert (chosen.pointer, chosen.scheme) == ("/theme/accent_dark", "dark")
    [bubble] = palette.warnings(Theme(bubble="#444444", mode="light"))
    assert (bubble.pointer, bubble.on) == ("/theme/bubble", "text")


def test_a_light_bubble_does_not_reach_the_dark_mode() -> None:
    assert palette.look(Theme(name="plum", bubble="#FFF0F0")).dark["bubble"] == "#251F30"


def test_a_preview_is_a_drawing_of_the_themes_own_colours() -> None:
    found = templates.templates()
    assert [item.name for item in found.items] == list(NAMES)
    assert "ar" in found.languages
    for item in found.items:
        for colours, drawing in ((item.light, item.preview.light), (item.dark, item.preview.dark)):
            root = ElementTree.fromstring(drawing)
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
            used = {value for part in root.iter() for name, value in part.items() if name in ("fill", "stroke")}
            assert {colours["accent"], colours["bubble"], colours["surface"]} <= used <= set(colours.values())
