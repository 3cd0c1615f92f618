"""Every page of the console, for what must hold on each: its address, whose it is, and what of it was read."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from infra import web
from tests.e2e.practice import Practice
from tests.web.console.billed import Billed, Person

ROUTER = web.FrontEnd("console").source / "src" / "app.tsx"


@dataclass(frozen=True)
class Place:
    """A page at an address, with its tab.

    `stays` are words of what was read, where they stay when the next reading fails; lists are read anew with their page.
    """

    address: str
    stays: str | None = None
    reads: re.Pattern[str] = re.compile(r"/api/(?!workspace$|dashboard/summary)")
    """What this page reads. What the frame itself needs is answered always: that is about the page in it."""
    waits: bool = True
    """Whether it waits for something of its own; what the frame has read for it is there already."""


WORKSPACE = re.compile(r"/api/workspace$")

ROOMS: dict[str, tuple[Place, ...]] = {
    "home": (Place("/", "onversation"),),
    "agents": (
        Place("/agents"),
        Place("/agents/{agent}", "Mia"),
        *(Place(f"/agents/{{agent}}?tab={tab}", "Mia") for tab in ("prompt", "knowledge", "playground", "versions")),
        *(Place(f"/agents/{{agent}}?tab={tab}", "Mia") for tab in ("yaml", "checks", "settings")),
    ),
    "wizard": (
        Place("/agents/new"),
        *(
            Place(f"/agents/new/{{agent}}?step={step}", "Mia" if step == "look" else None)
            for step in ("industry", "goals", "model", "knowledge", "look", "review")
        ),
        Place("/agents/new/{agent}?step=live&widget={widget}"),
    ),
    "conversations": (
        Place("/conversations"),
        Place("/conversations?tab=hand-offs"),
        Place("/conversations?tab=leads"),
        Place("/conversations/{conversation}", "When are you open?"),
    ),
    "analytics": (
        Place("/analytics", "Conversations"),
        *(Place(f"/analytics?tab={tab}") for tab in ("quality", "speed", "cost", "industries")),
    ),
    "widgets": (
        Place("/widgets"),
        Place("/widgets/new"),
        *(Place(f"/widgets/{{widget}}?tab={tab}") for tab in ("design", "texts", "behaviour", "embed", "identity")),
    ),
    "activity": (Place("/activity"), Place("/activity?tab=audit"), Place("/exports"), Place("/status")),
    "settings": (
        Place("/settings", "Time zone", WORKSPACE, waits=False),
        Place("/settings?tab=members", "Owner"),
        Place("/settings?tab=keys"),
        Place("/settings?tab=webhooks"),
        Place("/settings?tab=webhooks&webhook={webhook}"),
        Place("/settings?tab=notifications", None, WORKSPACE, waits=False),
    ),
    "billing": (
        Place("/billing", "Balance"),
        *(Place(f"/billing?tab={tab}") for tab in ("usage", "caps", "plan", "simulate", "payments", "profile")),
        Place("/billing/invoices"),
        Place("/billing/invoices/{invoice}", "Invoice"),
        Place("/billing/credit-notes/{note}", "Goodwill"),
    ),
    "operator": (Place("/operator"), Place("/operator/workspaces/{workspace}"), Place("/operator/plans")),
    "door": (Place("/workspaces", "The office"), Place("/invitations/{invitation}")),
}
"""In rooms, since one browser page goes through each."""

WITHOUT_READING = ("/sign-in",)
"""Addresses that show nothing which is read."""


def routes() -> list[str]:
    """The addresses that the console's router knows, with `:name` for what differs."""
    source = ROUTER.read_text(encoding="utf-8")
    return [one or other for one, other in re.findall(r'\["(/[^"]*)", \(\) =>|<Route path="(/[^"]*)">', source)]


def pattern(route: str) -> re.Pattern[str]:
    """What an address without its query looks like that leads there."""
    return re.compile(re.sub(r"/:\w+(\??)", lambda found: rf"(/[^/]+){found[1]}", route))


class Visited:
    """The things that pages are about, made once, and who looks at them."""

    def __init__(self, practice: Practice, billed: Billed) -> None:
        self.practice, self.billed = practice, billed
        practice.turn()
        hook = {"url": "https://example.com/hook", "types": ["invoice.issued"]}
        invitation = {"email": billed.operator.email, "role": "member"}
        invoice = billed.invoice(billed.reader)
        (fee,) = [one for one in invoice["lines"] if one["kind"] == "fee"]
        lines = [{"line_id": fee["id"], "amount": {"amount": "1.00", "currency": "USD"}, "reason": "Goodwill"}]
        self.names: dict[str, str] = {
            "agent": practice.agent,
            "widget": practice.widget,
            "conversation": practice.owner.get("/api/conversations")["items"][0]["id"],
            "webhook": practice.owner.ask("POST", "/api/webhooks", hook).json()["id"],
            "invitation": practice.owner.ask("POST", "/api/invitations", invitation).json()["token"],
            "invoice": invoice["id"],
            "note": billed.act(billed.reader, f"invoices/{invoice['id']}/credit-notes", {"lines": lines})["id"],
            "workspace": billed.reader.id,
        }

    def who(self, room: str) -> Practice | Person:
        """Whose console shows this room."""
        billed = self.billed
        return {"billing": billed.reader, "operator": billed.operator, "door": billed.operator}.get(room, self.practice)

    def address(self, place: Place) -> str:
        """The address with the things in it."""
        return place.address.format(**self.names)


def open_(page: Page, address: str) -> None:
    """Go to an address as a link does, without loading the console anew."""
    page.evaluate("address => { location.hash = address }", address)


def leave(page: Page) -> None:
    """Go where nothing is read."""
    open_(page, "/nowhere")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


def show(page: Page, visited: Visited, place: Place) -> None:
    """Go to a page and wait until all of it is there."""
    open_(page, visited.address(place))
    expect(page.get_by_role("heading", name="There is no such page")).to_have_count(0)
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator("main .skeleton")).to_have_count(0)


def tabs(page: Page) -> set[str]:
    """The addresses of the tabs that are shown."""
    found: list[str] = page.locator(".tabs a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    return {one.removeprefix("#") for one in found}
