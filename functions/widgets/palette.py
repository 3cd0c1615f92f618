"""The colours of a widget: those of its theme, the owner's own ones kept legible, and what a check of them finds.

`themes.json` is the one place where the six themes are; the script knows no colour and takes what the public file says.
A colour is `#RRGGBB`; the ratio of two is that of WCAG 2. Text needs 5.5 to 1, controls 3.3 to 1.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from functions.widgets.models import ContrastWarning, Theme

TEXT = 5.5
CONTROL = 3.3

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

_STEPS = 50


@dataclass(frozen=True)
class Look:
    """A theme with everything decided: its colours by name for light and dark, and its radius in px."""

    radius: int
    light: dict[str, str]
    dark: dict[str, str]


@cache
def book() -> dict[str, Any]:
    """The themes as data: `common` colours, and `themes` by name."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("themes.json").read_text("utf-8"))
    return found


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it: 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def _luminance(colour: str) -> float:
    shares = (value / 255 for value in _channels(colour))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def legible(colour: str, others: tuple[str, ...], least: float = TEXT) -> str:
    """The colour nearest to this one, on its way to black or to white, that has `least` to each of `others`.

    The shorter way wins, black where both are equally long. A colour that passes is returned as it is.
    """
    for step in range(_STEPS + 1):
        for target in (0, 255):
            tried = "#" + "".join(f"{round(c + (target - c) * step / _STEPS):02x}" for c in _channels(colour))
            if all(contrast(tried, other) >= least for other in others):
                return colour if step == 0 else tried
    return colour


def look(theme: Theme) -> Look:
    """What visitors see of a theme: the owner's colours where they can be read, else the nearest that can."""
    described = book()["themes"][theme.name]
    radius = described["radius"] if theme.radius is None else theme.radius
    return Look(radius, *(_scheme(theme, scheme) for scheme in SCHEMES))


def _scheme(theme: Theme, scheme: Scheme) -> dict[str, str]:
    colours: dict[str, str] = {**book()["common"][scheme], **book()["themes"][theme.name][scheme]}
    bubble, accent = _chosen(theme, scheme)
    if bubble is not None:
        colours["bubble"] = legible(bubble, _grounds("bubble", colours))
    if accent is not None:
        colours["accent"] = legible(accent, _grounds("accent", colours))
    return colours


def _chosen(theme: Theme, scheme: Scheme) -> tuple[str | None, str | None]:
    """The owner's bubble and accent in a scheme. The one accent serves dark too; a light bubble would not."""
    if scheme == "light":
        return theme.bubble, theme.accent
    return theme.bubble_dark, theme.accent_dark or theme.accent


def _grounds(name: str, colours: dict[str, str]) -> tuple[str, ...]:
    """What a colour of this name must be told apart from: the words on it, and what it is written on."""
    if name == "bubble":
        return (colours["text"],)
    return colours["surface"], colours["on-accent"], colours["bubble"]


def warnings(theme: Theme) -> list[ContrastWarning]:
    """What is hard to read of the colours that the owner chose for the modes in which the widget is shown.

    The accent of a light theme in dark mode is not chosen but derived, and so is no finding, unless dark is all there is.
    """
    found: list[ContrastWarning] = []
    shown = look(theme)
    for scheme, colours in (("light", shown.light), ("dark", shown.dark)):
        if theme.mode not in ("auto", scheme):
            continue
        suffix = "_dark" if scheme == "dark" else ""
        only_dark = theme.mode == "dark" and theme.accent_dark is None
        for name, field in (("bubble", f"bubble{suffix}"), ("accent", "accent" if only_dark else f"accent{suffix}")):
            chosen = getattr(theme, field)
            if chosen is not None:
                found += _finding(field, scheme, name, chosen, colours)  # type: ignore[arg-type]
    return found


def _finding(field: str, scheme: Scheme, name: str, chosen: str, colours: dict[str, str]) -> list[ContrastWarning]:
    named = {"bubble": ("text",), "accent": ("surface", "on-accent", "bubble")}[name]
    on = min(named, key=lambda ground: contrast(chosen, colours[ground]))
    ratio = contrast(chosen, colours[on])
    if ratio >= TEXT:
        return []
    words = {"surface": "the panel", "on-accent": "the words on it", "bubble": "the bubble", "text": "the words on it"}
    return [
        ContrastWarning(
            pointer=f"/theme/{field}",
            scheme=scheme,
            chosen=chosen,
            on=on,
            # Rounded down: a ratio that fails must not be shown as one that passes.
            ratio=int(ratio * 100) / 100,
            least=TEXT,
            nearest=colours[name],
            message=(
                f"{chosen} has {int(ratio * 100) / 100} to 1 to {words[on]} in {scheme} mode, and needs {TEXT}. "
                f"Visitors see {colours[name]}, the nearest that can be read."
            ),
        )
    ]
