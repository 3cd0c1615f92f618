"""The widgets' room: made, designed in front of the real script, saved against others, embedded, signed for."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, FrameLocator, Page, Route, expect

from tests.e2e.practice import ORIGIN, Practice
from tests.web.console.conftest import WIDTHS, Consoles, complaints, declined, reach, sideways

SHOWN_ACCENT = """wanted => {
  const frame = document.querySelector("iframe[data-shown]");
  const chat = frame?.contentDocument.querySelector("agenthub-chat");
  return chat && frame.contentWindow.getComputedStyle(chat).getPropertyValue("--ah-accent").trim().toLowerCase() === wanted;
}"""


@pytest.fixture
def widget(practice: Practice) -> Iterator[str]:
    """A widget that this test may change as it likes."""
    fields = {"agent_id": practice.agent, "allowed_origins": [ORIGIN], "name": "Front desk"}
    made: str = practice.owner.ask("POST", "/api/widgets", fields).json()["id"]
    yield made
    path = f"/api/widgets/{made}"
    left = practice.owner.ask("GET", path, status=(200, 404))
    if left.ok:
        practice.owner.ask("DELETE", path, status=204, If_Match=left.headers["ETag"])


def stored(practice: Practice, widget: str) -> Any:
    return practice.owner.get(f"/api/widgets/{widget}")


def changed(page: Page) -> AbstractContextManager[object]:
    """Waits for the answer to a change: what the page shows can be ahead of what is stored."""
    return page.expect_response(lambda answer: answer.request.method in {"PATCH", "PUT", "DELETE"} and answer.ok)


def shown(page: Page) -> FrameLocator:
    """The preview that is in view, with the real widget in it."""
    return page.frame_locator("iframe[data-shown]")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Unsaved changes")).to_have_count(0)


def test_a_widget_is_made_and_designed_in_front_of_the_real_script(console: Consoles, practice: Practice) -> None:
    page = console("/widgets", who=practice, width=1440)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.get_by_role("link", name="New widget").click()
    page.get_by_label("Name").fill("Corner shop")
    page.get_by_label("Ocean").check()
    page.get_by_label(re.compile("Allowed origins")).fill("shop.example.com")
    page.get_by_role("button", name="Make widget").click()
    expect(page.locator(".field .error")).to_contain_text("write scheme and host")
    page.get_by_label(re.compile("Allowed origins")).fill("https://shop.example.com")
    page.get_by_role("button", name="Make widget").click()
    expect(page.get_by_role("heading", name="Corner shop")).to_be_visible()
    made = re.search(r"wgt_\w+", page.url)
    assert made is not None

    # The widget answers in the frame, by itself.
    answer = shown(page).locator(".message.agent").last
    expect(answer).to_contain_text("This is a preview")
    expect(shown(page).locator(".sources")).to_contain_text("Opening hours")
    # A colour that nobody can read is told, and one step mends it.
    page.get_by_label("Accent, light", exact=True).fill("#ffe94d")
    mended = page.get_by_role("button", name="Use it").first
    expect(page.locator(".fails").first).to_be_visible()
    mended.click()
    expect(page.locator(".fails")).to_have_count(0)
    accent = page.get_by_label("Accent, light", exact=True).input_value()
    page.wait_for_function(SHOWN_ACCENT, arg=accent.lower())
    assert stored(practice, made[0])["theme"]["accent"] is None
    save(page)
    theme = stored(practice, made[0])["theme"]
    assert (theme["name"], theme["accent"]) == ("ocean", accent)
    # Nobody's session, nobody's turn, no charge.
    assert [one for one in asked if "/sessions" in one or "/api/chat" in one or "preview.invalid" in one] == []
    assert practice.owner.get(f"/api/conversations?widget_id={made[0]}")["items"] == []


def test_the_preview_shows_every_state_dark_and_right_to_left(
    console: Consoles, practice: Practice, widget: str
) -> None:
    page = console(f"/widgets/{widget}?tab=design", who=practice, width=1440)
    expect(shown(page).locator(".message.agent").last).to_contain_text("This is a preview")
    states = {
        "Closed": ("dialog", None),
        "Open": (".log", "I can answer questions about treatments"),
        "Hand-off card": ("form.card", "What is it about?"),
        "Offline": (".notice", "You are offline"),
        "Error": (".notice", "Something went wrong"),
        "Away": (".notice", "Our chat is resting"),
    }
    for state, (place, words) in states.items():
        page.get_by_role("button", name=state, exact=True).click()
        expect(page.locator("iframe")).to_have_count(1)
        if words is None:
            expect(shown(page).locator(place)).to_be_hidden()
            expect(shown(page).get_by_role("button", name=re.compile("Open chat"))).to_be_visible()
        else:
            expect(shown(page).locator(place).first).to_contain_text(words)
    page.get_by_role("switch", name="Dark").check()
    expect(shown(page).locator("agenthub-chat[mode=dark]")).to_have_count(1)
    page.get_by_role("switch", name="Right to left").check()
    expect(shown(page).locator("agenthub-chat[dir=rtl][lang=ar]")).to_have_count(1)
    page.get_by_role("button", name="Phone").click()
    expect(shown(page).locator("dialog:modal")).to_have_count(1)


def test_typing_keeps_the_focus_and_words_go_to_their_language(
    console: Consoles, practice: Practice, widget: str
) -> None:
    page = console(f"/widgets/{widget}?tab=texts&lang=ar", who=practice, width=1440)
    expect(page.get_by_label(re.compile("^Greeting"))).to_have_attribute("placeholder", re.compile("مرحب"))
    page.get_by_label("Offer the agent's languages").uncheck()
    page.get_by_label("Arabic", exact=True).check()
    page.get_by_label(re.compile("^Greeting")).fill("أهلًا وسهلًا")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(shown(page).locator(".message.agent").first).to_contain_text("أهلًا وسهلًا")
    expect(shown(page).locator("agenthub-chat[dir=rtl]")).to_have_count(1)
    greeting = page.get_by_label(re.compile("^Greeting"))
    greeting.focus()
    page.keyboard.press("End")
    page.keyboard.type(" بكم")
    expect(shown(page).locator(".message.agent").first).to_contain_text("أهلًا وسهلًا بكم")
    expect(greeting).to_be_focused()
    save(page)
    kept = stored(practice, widget)
    assert kept["texts"]["ar"]["greeting"] == "أهلًا وسهلًا بكم"
    assert kept["languages"] == ["en", "ar"]


def test_two_people_at_once_choose_what_stays(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=behaviour", who=practice)
    page.get_by_label("Name", exact=True).fill("Mine")
    path = f"/api/widgets/{widget}"
    theirs = {"name": "Theirs", "turns_per_hour": 7}
    practice.owner.ask("PATCH", path, theirs, If_Match=practice.owner.etag(path))
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog", name="Somebody else changed this")
    expect(dialog).to_contain_text("Theirs")
    expect(dialog).to_contain_text("Mine")
    dialog.get_by_role("button", name="Save what is chosen").click()
    expect(page.get_by_role("heading", name="Mine")).to_be_visible()
    assert (stored(practice, widget)["name"], stored(practice, widget)["turns_per_hour"]) == ("Mine", 7)


def test_behaviour_is_set_and_a_widget_without_a_site_says_so(
    console: Consoles, practice: Practice, widget: str
) -> None:
    page = console(f"/widgets/{widget}?tab=behaviour", who=practice, width=1440)
    page.get_by_label("Origins").fill("")
    expect(page.get_by_text("Nobody can open this widget")).to_be_visible()
    page.get_by_label("Ask visitors for details first").check()
    page.get_by_role("button", name="Your own question").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Say what your own question asks for.")).to_be_visible()
    page.get_by_label(re.compile("Your own question in English")).fill("Which tooth?")
    page.get_by_label("Say something first").check()
    page.get_by_label("Turns an hour for one visitor").fill("12")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(shown(page).locator("form.card")).to_contain_text("Which tooth?")
    page.get_by_role("button", name="Closed").click()
    expect(shown(page).locator(".hello")).to_contain_text("Do you have a question?")
    save(page)
    kept = stored(practice, widget)
    assert [field["kind"] for field in kept["pre_chat"]["fields"]] == ["name", "custom"]
    assert (kept["allowed_origins"], kept["turns_per_hour"], kept["proactive"]["after_seconds"]) == ([], 12, 20)
    page.reload()
    expect(page.locator(".badge", has_text="No site")).to_be_visible()


def test_a_picture_is_uploaded_shown_and_taken_away(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=design", who=practice, width=1440)
    picture = io.BytesIO()
    Image.new("RGB", (96, 96), "teal").save(picture, "PNG")
    chosen = page.locator("input[type=file]")
    chosen.set_input_files({"name": "a.gif", "mimeType": "image/gif", "buffer": b"GIF89a"})
    expect(page.get_by_role("alert")).to_contain_text("PNG, JPEG or WebP")
    chosen.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture.getvalue()})
    expect(page.get_by_role("img", name="The widget's picture")).to_be_visible()
    expect(shown(page).locator("img.avatar")).to_have_count(1)
    with changed(page):
        page.get_by_role("button", name="Remove picture").click()
    expect(shown(page).locator("span.avatar")).to_have_count(1)
    assert stored(practice, widget)["avatar_url"] is None
    with changed(page):
        page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("img", name="The widget's picture")).to_be_visible()
    expect(shown(page).locator("img.avatar")).to_have_count(1)
    assert stored(practice, widget)["avatar_url"] is not None


def test_what_changed_since_it_was_shown_is_shown_and_the_second_try_holds(
    console: Consoles, practice: Practice, widget: str
) -> None:
    path = f"/api/widgets/{widget}"

    def renamed(name: str) -> None:
        practice.owner.ask("PATCH", path, {"name": name}, If_Match=practice.owner.etag(path))
        expect(page.get_by_role("alert")).to_have_count(0)

    page = console(f"/widgets/{widget}?tab=design", who=practice)
    told = page.get_by_role("alert").filter(has_text="Go on if you still want it.")
    picture = io.BytesIO()
    Image.new("RGB", (96, 96), "teal").save(picture, "PNG")
    chosen = FilePayload(name="a.png", mimeType="image/png", buffer=picture.getvalue())
    expect(page.get_by_role("button", name="Upload picture")).to_be_visible()
    renamed("One")
    page.locator("input[type=file]").set_input_files(chosen)
    expect(told).to_be_visible()
    expect(page.get_by_role("heading", name="One")).to_be_visible()
    page.locator("input[type=file]").set_input_files(chosen)
    expect(page.get_by_role("img", name="The widget's picture")).to_be_visible()

    page.get_by_role("link", name="Embed").click()
    allow = page.get_by_role("button", name="Allow this origin")
    expect(allow).to_be_visible()
    renamed("Two")
    allow.click()
    expect(told).to_be_visible()
    allow.click()
    expect(allow).to_have_count(0)
    # Undo takes away this origin alone, whatever else was changed by then.
    renamed("Three")
    page.get_by_role("button", name="Undo").click()
    expect(allow).to_be_visible()
    assert (stored(practice, widget)["name"], stored(practice, widget)["allowed_origins"]) == ("Three", [ORIGIN])

    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Delete widget").click()
    renamed("Four")
    page.get_by_role("dialog").get_by_role("button", name="Delete widget").click()
    expect(told).to_be_visible()
    expect(page.get_by_role("dialog", name="Delete “Four”?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Delete widget").click()
    expect(page).to_have_url(re.compile("#/widgets$"))


def test_a_secret_is_shown_once_and_then_demanded(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=identity", who=practice)
    expect(page.get_by_role("switch", name="Only signed visitors")).to_be_disabled()
    page.get_by_role("button", name="Make a secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Make secret").click()
    dialog = page.get_by_role("dialog", name="Your new secret")
    secret = dialog.get_by_label("Secret", exact=True).locator("code").inner_text()
    assert len(secret) > 20
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="I have stored it").click()
    [key] = stored(practice, widget)["identity_keys"]
    expect(page.get_by_label("Signing in Python")).to_contain_text(key["id"])
    assert secret not in page.content()
    with changed(page):
        page.get_by_role("switch", name="Only signed visitors").check()
    expect(page.get_by_role("switch", name="Only signed visitors")).to_be_checked()
    assert stored(practice, widget)["identity_required"] is True


def test_the_code_is_there_for_every_kind_of_site(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=embed", who=practice)
    expect(page.get_by_label("Embed code")).to_contain_text(f'data-widget="{widget}"')
    for kind, words in {"WordPress": "add_action", "React": "useEffect", "Pinned": "integrity="}.items():
        page.get_by_role("button", name=kind, exact=True).click()
        expect(page.locator("pre", has_text=words)).to_be_visible()
    expect(page.get_by_label("Policy lines")).to_contain_text("script-src http")


def test_by_keyboard_the_code_is_copied(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=embed", who=practice, permissions=["clipboard-read", "clipboard-write"])
    code = page.get_by_label("Embed code")
    expect(code).to_be_visible()
    reach(page, "Embed code")
    expect(code).to_be_focused()
    reach(page, "Copy")
    page.keyboard.press("Space")
    copied = "words => navigator.clipboard.readText().then((now) => now === words)"
    page.wait_for_function(copied, arg=code.inner_text())


def test_a_viewer_sees_code_and_state_but_nothing_to_change(console: Consoles, practice: Practice, widget: str) -> None:
    page = console("/", who=practice)

    def as_viewer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, body=json.dumps({**found.json(), "role": "viewer"}))

    page.route(re.compile("/api/workspace$"), as_viewer)
    page.reload()
    page.locator(".topbar strong").wait_for()
    page.evaluate(f"location.hash = '/widgets/{widget}'")
    expect(page.get_by_label("Embed code")).to_be_visible()
    tabs = page.get_by_role("navigation", name="Parts of the widget").get_by_role("link")
    expect(tabs).to_have_text(["Embed", "Identity"])
    expect(page.get_by_role("button", name="Allow this origin")).to_have_count(0)
    tabs.last.click()
    expect(page.get_by_role("button", name=re.compile("secret"))).to_have_count(0)
    page.evaluate("location.hash = '/widgets'")
    expect(page.get_by_role("link", name="Front desk")).to_be_visible()
    expect(page.get_by_role("link", name="New widget")).to_have_count(0)


def test_the_list_says_when_each_was_last_used_in_one_request(
    console: Consoles, practice: Practice, widget: str
) -> None:
    page = console("/", who=practice)
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("location.hash = '/widgets'")
    row = page.get_by_role("row").filter(has=page.locator(f"a[href='#/widgets/{widget}']"))
    expect(row.get_by_text("Never", exact=True)).to_be_visible()
    assert [url for url in asked if "/api/conversations" in url] == []


def test_the_list_is_empty_or_fails_in_place(console: Consoles, practice: Practice) -> None:
    page = console("/", who=practice)
    listed = re.compile(r"/api/widgets\?")
    page.route(listed, lambda route: route.fulfill(json={"items": [], "next_page_token": None}))
    page.evaluate("location.hash = '/widgets'")
    expect(page.get_by_role("heading", name="No widgets yet")).to_be_visible()
    assert complaints(page) == []
    page.unroute_all()
    body = {"title": "Not available just now", "status": 503, "code": "unavailable", "request_id": "req12345"}
    page.route(listed, lambda route: route.fulfill(status=503, content_type="application/problem+json", json=body))
    page.evaluate("location.hash = '/'")
    page.evaluate("location.hash = '/widgets'")
    expect(page.get_by_role("alert")).to_contain_text("req12345"[:8])
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("table", name="Widgets")).to_be_visible()


def test_without_a_connection_what_was_typed_stays(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=behaviour", who=practice)
    page.get_by_label("Name", exact=True).fill("Typed in the tunnel")
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").last).to_contain_text("No connection")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Typed in the tunnel")
    page.unroute_all()
    save(page)
    assert stored(practice, widget)["name"] == "Typed in the tunnel"


def test_a_deleted_widget_is_gone(console: Consoles, practice: Practice, widget: str) -> None:
    page = console(f"/widgets/{widget}?tab=embed", who=practice)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete widget").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete widget").click()
    expect(page.get_by_role("heading", name="Widgets", exact=True)).to_be_visible()
    practice.owner.ask("GET", f"/api/widgets/{widget}", status=404)


def test_of_a_deleted_widget_nobody_is_asked_to_save_anything(
    console: Consoles, practice: Practice, widget: str
) -> None:
    page = console(f"/widgets/{widget}?tab=behaviour", who=practice)
    page.get_by_label("Name", exact=True).fill("Typed and not saved")
    expect(page.get_by_role("region", name="Unsaved changes")).to_be_visible()
    asked = declined(page)
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete widget").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete widget").click()
    expect(page.get_by_role("heading", name="Widgets", exact=True)).to_be_visible()
    assert asked == []


def test_every_page_is_free_of_complaints_and_fits(console: Consoles, practice: Practice, widget: str) -> None:
    path = f"/api/widgets/{widget}"
    name = "Straßenbahnhaltestellenverwaltung" * 2
    practice.owner.ask("PATCH", path, {"name": name, "allowed_origins": []}, If_Match=practice.owner.etag(path))
    page = console("/widgets", who=practice)
    places = ["/widgets", "/widgets/new"]
    places += [f"/widgets/{widget}?tab={tab}" for tab in ("design", "texts", "behaviour", "embed", "identity")]
    for place in places:
        page.evaluate("path => { location.hash = path }", place)
        expect(page.locator(".skeleton, .spinner")).to_have_count(0)
        if re.search("design|texts|behaviour", place):
            expect(page.locator("iframe[data-shown]")).to_have_count(1)
        assert complaints(page) == [], place
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert sideways(page) <= 0, (place, width)
