"""Pages in the dark, under forced colours, at 200 and 400 % zoom: nothing is too wide, focus and choices are seen."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.client import until
from tests.e2e.practice import Practice
from tests.web.console.addresses import ROOMS, Visited, show
from tests.web.console.conftest import Consoles, complaints, sideways

LOOKS: dict[str, dict[str, Any]] = {
    "forced colours": {"forced_colors": "active"},
    "200 %": {"width": 640, "height": 450, "device_scale_factor": 2},
    "400 %": {"width": 320, "height": 256, "device_scale_factor": 4},
}
FOCUS = ("/", "/agents", "/agents/{agent}", "/agents/{agent}?tab=settings", "/agents/new", "/conversations")
"""Where the focus is followed."""

RINGS = """() => {
  for (let one = document.activeElement; one && one !== document.body; one = one.parentElement) {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) return true;
  }
  return false;
}"""
"""Whether the element with the focus, or what holds it, has a ring."""


@pytest.mark.parametrize("look", LOOKS)
def test_pages_fit_and_show_the_focus(console: Consoles, practice: Practice, look: str) -> None:
    practice.turn()
    # Until a first turn is counted, Home shows first steps; what has the focus there goes with them.
    until(20, lambda: practice.owner.get("/api/dashboard/summary")["as_of"])
    page = console("/nowhere", who=practice, **LOOKS[look])
    for path in FOCUS:
        page.evaluate("path => { location.hash = path }", path.format(agent=practice.agent))
        expect(page.locator("main .skeleton")).to_have_count(0)
        expect(page.locator("h1")).not_to_have_text("There is no such page")
        assert sideways(page) <= 0, path
        page.locator("#main").focus()
        for _ in range(4):
            page.keyboard.press("Tab")
            assert page.evaluate(RINGS), (path, page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))


CUT = """() => [...document.querySelectorAll("main *, .topbar *")].filter((one) => {
  const box = one.getBoundingClientRect();
  if (!box.width || !box.height || !one.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
  const own = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const look = getComputedStyle(one);
  // What is cut with an ellipsis, what is for the ear only, and what scrolls by itself can be read all the same.
  if (!own && !one.matches("button, a, input, select, textarea")) return false;
  if (look.textOverflow === "ellipsis" || look.clipPath !== "none" || one.closest("svg")) return false;
  for (let over = one; over && over !== document.body; over = over.parentElement) {
    const { overflowX } = getComputedStyle(over);
    if (overflowX === "auto" || overflowX === "scroll") return false;
    if (overflowX === "hidden" || overflowX === "clip") {
      const room = over.getBoundingClientRect();
      if (box.left < room.left - 1 || box.right > room.right + 1) return getComputedStyle(over).textOverflow !== "ellipsis";
    }
  }
  return box.left < -1 || box.right > innerWidth + 1;
}).map((one) => one.outerHTML.slice(0, 160))"""
"""Words and controls of which a part lies outside of the window, or of what holds them, and cannot be scrolled to."""


@pytest.mark.parametrize("room", ROOMS)
def test_every_page_fits_at_twice_its_size_and_on_a_tablet_where_it_has_no_complaint_in_the_dark(
    console: Consoles, visited: Visited, room: str
) -> None:
    zoom = LOOKS["200 %"]
    page = console("/nowhere", who=visited.who(room), color_scheme="dark", reduced_motion="reduce", **zoom)
    found: list[tuple[str, int, list[Any]]] = []
    for place in ROOMS[room]:
        show(page, visited, place)
        found.append((place.address, max(0, sideways(page)), page.evaluate(CUT)))
        page.set_viewport_size({"width": 768, "height": 900})
        found.append((place.address, max(0, sideways(page)), complaints(page)))
        page.set_viewport_size({"width": zoom["width"], "height": zoom["height"]})
    assert [one for one in found if one[1:] != (0, [])] == []


def test_forced_colours_show_what_is_chosen(console: Consoles, practice: Practice) -> None:
    page = console(f"/agents/{practice.agent}?tab=playground", who=practice, forced_colors="active")
    look = """all => all.map((one) => {
      const { outlineStyle, borderBlockEndColor } = getComputedStyle(one);
      return [outlineStyle, borderBlockEndColor].join();
    })"""
    for chosen, others in (
        (".nav-link[aria-current]", ".nav-link:not([aria-current])"),
        (".tabs [aria-current]", ".tabs > :not([aria-current])"),
        (".segments [aria-pressed=true]", ".segments [aria-pressed=false]"),
    ):
        expect(page.locator(f".shell {chosen}").first).to_be_visible()
        [one] = page.locator(f".shell {chosen}").evaluate_all(look)
        assert one not in page.locator(f".shell {others}").evaluate_all(look), chosen


def test_a_searched_list_stands_above_what_follows_and_can_be_told_from_a_field(
    console: Consoles, practice: Practice
) -> None:
    page = console("/agents", who=practice)
    field = page.get_by_role("combobox", name="Industry")
    expect(page.locator(".combobox:has([aria-label=Industry]) > svg")).to_be_visible()
    field.click()
    page.get_by_role("option", name="Insurance").click()  # Playwright clicks only what nothing covers.
    expect(field).to_have_value("Insurance")
    expect(page.get_by_role("heading", name="No agent fits these filters")).to_be_visible()


def test_on_a_phone_every_dialog_is_as_wide_as_the_window(console: Consoles, practice: Practice) -> None:
    for tab, add in (("knowledge", "qa"), ("checks", "case")):
        page = console(f"/agents/{practice.agent}?tab={tab}&add={add}", who=practice, width=360)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        box = dialog.bounding_box()
        assert box is not None
        assert (box["x"], box["width"]) == (0, 360)
