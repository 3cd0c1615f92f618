"""Styles of a page stay loaded when another is opened, so each file's rules must hold in its own room only."""

import re

import pytest

from infra import web

STYLES = web.FrontEnd("console").source / "src" / "styles"
EVERYWHERE = {"tokens", "base", "parts", "shell", "forced", "charts", "chat", "frames"}
"""What belongs to no room: the frame, the parts, forced colours, and the three things that several rooms show."""
ROOMS = sorted(path.stem for path in STYLES.glob("*.css") if path.stem not in EVERYWHERE)


def rules(name: str) -> str:
    return re.sub(r"/\*.*?\*/", "", (STYLES / f"{name}.css").read_text(encoding="utf-8"), flags=re.DOTALL).strip()


@pytest.mark.parametrize("name", ROOMS)
def test_a_rooms_styles_hold_in_that_room_only(name: str) -> None:
    text, depth, outside = rules(name), 0, ""
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        outside += letter if depth == 0 and letter != "}" else ""
    assert outside.startswith(("[data-room=", ":is([data-room=")), name
    assert text.count("[data-room=") == outside.count("[data-room=")


@pytest.mark.parametrize("name", sorted(EVERYWHERE - {"tokens"} | set(ROOMS)))
def test_colours_come_from_the_tokens(name: str) -> None:
    found = re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch)a?\([^)]*\)", rules(name))
    assert set(found) <= {"rgb(0 0 0 / 0.45)"}, name  # What lies behind a dialog.
