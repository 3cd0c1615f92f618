"""The colours of the console can be read and told apart by everybody: contrast and distance, computed from the tokens."""

import itertools
import math
import re

import pytest

from infra import web

TOKENS = (web.FrontEnd("console").source / "src" / "styles" / "tokens.css").read_text(encoding="utf-8")
PAIR = re.compile(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
LIGHT = {name: first for name, first, _ in PAIR.findall(TOKENS)}
DARK = {name: second for name, _, second in PAIR.findall(TOKENS)}
THEMES = {"light": LIGHT, "dark": DARK}

TEXT, CONTROL = 5.5, 3.09
"""Over WCAG's 4.5 and 3, so that what a screen rounds still passes."""
SERIES = {"protan": 17.0, "deutan": 17.0, "tritan": 14.0}
STATUSES = ("success", "warning", "danger", "info")
SURFACES = ("surface", "surface-raised", "surface-selected")
CHARTS = (*(f"chart-{number}" for number in range(1, 7)), "chart-rest")

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

# Machado, Oliveira, Fernandes 2009, severity 1, in linear RGB.
MACHADO: dict[str, Matrix] = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
# Viénot, Brettel, Mollon 1999, in linear RGB; it has none for tritan.
VIENOT: dict[str, Matrix] = {
    "protan": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deutan": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}
SIMULATIONS = [(kind, "Machado", matrix) for kind, matrix in MACHADO.items()]
SIMULATIONS += [(kind, "Viénot", matrix) for kind, matrix in VIENOT.items()]


def linear(colour: str) -> Vector:
    """A colour as light: the three channels without the curve of sRGB."""
    one, two, three = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _undone(one), _undone(two), _undone(three)


def _undone(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def times(matrix: Matrix, vector: Vector) -> Vector:
    one, two, three = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(light: Vector) -> Vector:
    """CIELAB under D65, of linear RGB."""
    inside = tuple(min(1.0, max(0.0, channel)) for channel in light)
    xyz = times(
        ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041)),
        (inside[0], inside[1], inside[2]),
    )
    x, y, z = (_root(value / white) for value, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return math.cbrt(value) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def distance(one: Vector, other: Vector) -> float:
    """CIEDE2000 of two colours in CIELAB."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, a)) % 360 if a or b else 0.0 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if not c1 * c2 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    if not c1 * c2:
        hue = h1 + h2
    elif abs(h1 - h2) <= 180:
        hue = (h1 + h2) / 2
    else:
        hue = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(hue - 30))
        + 0.24 * math.cos(math.radians(2 * hue))
        + 0.32 * math.cos(math.radians(3 * hue + 6))
        - 0.20 * math.cos(math.radians(4 * hue - 63))
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    spread = 30 * math.exp(-(((hue - 275) / 25) ** 2))
    rotated = -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7)) * math.sin(math.radians(2 * spread))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotated * (dc / sc) * (dh / sh))


def allowed() -> list[tuple[str, str, float]]:
    """Every pair that pages may use, with the contrast that it needs (docs/look.md)."""
    softs = [f"{status}-soft" for status in STATUSES]
    pairs = [
        (ink, ground, TEXT)
        for ink in ("text", "text-muted", "accent", "accent-hover")
        for ground in ("canvas", *SURFACES, *softs)
    ]
    pairs += [
        (control, ground, CONTROL)
        for control in ("border-control", "focus")
        for ground in ("canvas", *SURFACES, *softs)
    ]
    pairs += [(status, ground, TEXT) for status in STATUSES for ground in ("canvas", *SURFACES, f"{status}-soft")]
    pairs += [("accent-text", ground, TEXT) for ground in ("accent", "accent-hover", "danger")]
    # Neutral badges, code and rows under the pointer.
    pairs += [(ink, "surface-alt", TEXT) for ink in ("text", "text-muted")]
    return pairs + [(chart, ground, CONTROL) for chart in CHARTS for ground in ("canvas", "surface", "surface-raised")]


@pytest.mark.parametrize("theme", THEMES)
def test_everything_that_may_stand_on_each_other_can_be_read(theme: str) -> None:
    tokens = THEMES[theme]
    found = {
        (ink, ground): (round(contrast(tokens[ink], tokens[ground]), 2), least) for ink, ground, least in allowed()
    }
    assert {pair: ratios for pair, ratios in found.items() if ratios[0] < ratios[1]} == {}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("kind", "by", "matrix"), SIMULATIONS, ids=[f"{kind}-{by}" for kind, by, _ in SIMULATIONS])
def test_series_can_be_told_apart_without_seeing_all_colours(theme: str, kind: str, by: str, matrix: Matrix) -> None:
    seen = {name: lab(times(matrix, linear(THEMES[theme][name]))) for name in CHARTS[:6]}
    near = {
        (one, other): round(distance(seen[one], seen[other]), 1)
        for one, other in itertools.combinations(seen, 2)
        if distance(seen[one], seen[other]) < SERIES[kind]
    }
    assert near == {}


def test_the_distance_is_the_one_of_its_authors() -> None:
    """Pairs of the test data of Sharma, Wu and Dalal, 2005."""
    for one, other, expected in (
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ):
        assert distance(one, other) == pytest.approx(expected, abs=1e-4)


def test_a_contrast_is_the_one_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_both_themes_have_every_colour() -> None:
    used = {token for token, _, _ in allowed()} | {token for _, token, _ in allowed()}
    assert used <= LIGHT.keys()
    assert LIGHT.keys() == DARK.keys()
    assert len(LIGHT) == len(re.findall(r"light-dark\(", TOKENS)), "a colour is written in another way"
