"""The six themes as an owner chooses between them: their colours, and a small picture drawn from the same data."""

from typing import get_args

from functions.shared.http import Answer
from functions.widgets import palette
from functions.widgets.models import LANGUAGES, Theme, ThemeName


class Preview(Answer):
    """A chat in this theme as SVG, 320 by 200, without text, script or address."""

    light: str
    dark: str


class Template(Answer):
    """A theme: `light` and `dark` are its colours by name, `radius` is in px."""

    name: ThemeName
    title: str
    description: str
    radius: int
    light: dict[str, str]
    dark: dict[str, str]
    preview: Preview


class Templates(Answer):
    """All themes, and the languages in which the chat's own words exist."""

    items: list[Template]
    languages: list[str]


def templates() -> Templates:
    """The themes in the order in which they are offered."""
    return Templates(items=[_template(name) for name in get_args(ThemeName)], languages=list(LANGUAGES))


def _template(name: ThemeName) -> Template:
    described, look = palette.book()["themes"][name], palette.look(Theme(name=name))
    return Template(
        name=name,
        title=described["title"],
        description=described["description"],
        radius=look.radius,
        light=look.light,
        dark=look.dark,
        preview=Preview(light=drawing(look.light, look.radius), dark=drawing(look.dark, look.radius)),
    )


def drawing(colours: dict[str, str], radius: int) -> str:
    """A panel with its head, an answer with a link, a visitor's message and the field to write in."""
    edge = f' stroke="{colours["edge"]}"' if "edge" in colours else ""
    corner = min(radius, 16)

    def box(x: float, y: float, width: float, height: float, fill: str, round_: float, more: str = "") -> str:
        return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{round_}" fill="{fill}"{more}/>'

    def line(x: float, y: float, width: float, name: str) -> str:
        return box(x, y, width, 4, colours[name], 2)

    parts = [
        box(0.5, 0.5, 319, 199, colours["surface"], corner + 4, f' stroke="{colours["border"]}"'),
        f'<circle cx="24" cy="22" r="10" fill="{colours["accent"]}"/>',
        line(42, 16, 72, "text"),
        line(42, 25, 44, "muted"),
        f'<path d="M0 42h320" stroke="{colours["border"]}"/>',
        box(14, 54, 190, 46, colours["bubble"], corner, edge),
        line(26, 66, 160, "text"),
        line(26, 75, 132, "text"),
        line(26, 84, 64, "accent"),
        box(176, 110, 130, 28, colours["accent"], corner),
        line(190, 122, 100, "on-accent"),
        box(14, 156, 292, 32, colours["surface"], corner, f' stroke="{colours["control"]}"'),
        line(28, 170, 90, "muted"),
        f'<circle cx="290" cy="172" r="11" fill="{colours["accent"]}"/>',
    ]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200" aria-hidden="true">{"".join(parts)}</svg>'
