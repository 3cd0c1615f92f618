"""Takes the pictures of README and guides, and with --all every page for a pair of eyes, from the demo's data.

`nox -s screenshots` starts a platform of its own with the demo's 90 days, or uses one that runs already
(`--url`, `--email`, `--password`). Pictures go into docs/images; with `--all FOLDER` each page goes there at phone and
desktop width, light and dark, and at 768 px.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from infra.web import build_stale
from tests.e2e.stack import ROOT, Stack
from tests.e2e.visitor import chromium

IMAGES = ROOT / "docs" / "images"
DEMO_SECONDS = 900
PAGES = {
    "home": "/",
    "agents": "/agents",
    "agent": "/agents/{agent}",
    "prompt": "/agents/{agent}?tab=prompt",
    "knowledge": "/agents/{agent}?tab=knowledge",
    "playground": "/agents/{agent}?tab=playground",
    "versions": "/agents/{agent}?tab=versions",
    "yaml": "/agents/{agent}?tab=yaml",
    "checks": "/agents/{agent}?tab=checks",
    "agent-settings": "/agents/{agent}?tab=settings",
    "wizard": "/agents/new",
    "wizard-goals": "/agents/new/{draft}?step=goals",
    "wizard-model": "/agents/new/{draft}?step=model",
    "wizard-knowledge": "/agents/new/{draft}?step=knowledge",
    "wizard-look": "/agents/new/{draft}?step=look",
    "wizard-review": "/agents/new/{draft}?step=review",
    "wizard-live": "/agents/new/{agent}?step=live&widget={widget}",
    "conversations": "/conversations",
    "conversation": "/conversations/{conversation}",
    "hand-offs": "/conversations?tab=hand-offs",
    "leads": "/conversations?tab=leads",
    "analytics": "/analytics",
    "quality": "/analytics?tab=quality",
    "speed": "/analytics?tab=speed",
    "cost": "/analytics?tab=cost",
    "industries": "/analytics?tab=industries",
    "exports": "/exports",
    "billing": "/billing",
    "usage": "/billing?tab=usage",
    "caps": "/billing?tab=caps",
    "plan": "/billing?tab=plan",
    "simulate": "/billing?tab=simulate",
    "payments": "/billing?tab=payments",
    "profile": "/billing?tab=profile",
    "invoices": "/billing/invoices",
    "invoice": "/billing/invoices/{invoice}",
    "invoice-turns": "/billing/invoices/{invoice}?line={line}",
    "widgets": "/widgets",
    "widget": "/widgets/{widget}",
    "embed": "/widgets/{widget}?tab=embed",
    "texts": "/widgets/{widget}?tab=texts",
    "behaviour": "/widgets/{widget}?tab=behaviour",
    "identity": "/widgets/{widget}?tab=identity",
    "activity": "/activity",
    "audit": "/activity?tab=audit",
    "settings": "/settings",
    "members": "/settings?tab=members",
    "keys": "/settings?tab=keys",
    "webhooks": "/settings?tab=webhooks",
    "status": "/status",
    "nothing": "/no/such/page",
}
OUTSIDE = {"sign-in": "/", "sign-up": "/sign-in?mode=up", "forgot": "/sign-in?mode=forgot"}
OPERATED = {
    "operator": "/operator",
    "operator-plans": "/operator/plans",
    "operator-workspace": "/operator/workspaces/{workspace}",
}
SHOWN = ("home", "agents", "conversation", "analytics", "invoice", "widget")
"""What README and guides show: desktop, light; home also on a phone, dark."""


def sign_in(gateway: str, email: str, password: str) -> tuple[str, str]:
    """An ID token and a refresh token."""
    url = f"{gateway}/identity/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword"
    body = {"email": email, "password": password, "returnSecureToken": True}
    answer = requests.post(url, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json()["idToken"], answer.json()["refreshToken"]


def subjects(gateway: str, token: str, *, draft: bool) -> dict[str, str]:
    """One of each kind to show: the ids that stand in addresses. Makes a draft for the wizard if it shall be shown."""

    def first(path: str) -> str:
        answer = requests.get(gateway + path, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        answer.raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return str(items[0]["id"]) if items else "none"

    def line(invoice: str) -> str:
        answer = requests.get(f"{gateway}/api/invoices/{invoice}", headers=headers, timeout=60)
        answer.raise_for_status()
        return next((str(one["id"]) for one in answer.json()["lines"] if one["kind"] == "usage"), "none")

    headers = {"Authorization": f"Bearer {token}"}
    invoice = first("/api/invoices?page_size=1")
    made = "none"
    if draft:
        body = {"name": "Mia", "industry": "dental", "business": {"name": "Linden Dental"}}
        answer = requests.post(f"{gateway}/api/agents", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        made = str(answer.json()["id"])
    mine = requests.get(f"{gateway}/api/workspace", headers=headers, timeout=60)
    mine.raise_for_status()
    return {
        "draft": made,
        "workspace": str(mine.json()["id"]),
        "agent": first("/api/my-agents?sort=-charge&page_size=1"),
        "conversation": first("/api/conversations?page_size=1&handed_off=true"),
        "invoice": invoice,
        "line": "none" if invoice == "none" else line(invoice),
        "widget": first("/api/widgets?page_size=1"),
    }


def taken(browser: Browser, gateway: str, refresh: str, *, width: int, dark: bool) -> Page:
    """A console, signed in with the token, or with none outside."""
    height = 800 if width < 768 else 900
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="en-US",
        timezone_id="UTC",
        device_scale_factor=1,
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    if refresh:
        page.add_init_script(f"localStorage.setItem('agenthub.session', {refresh!r});")
    page.goto(f"{gateway}/#/")
    page.locator(".topbar" if refresh else ".sign-in").wait_for()
    return page


def take(page: Page, address: str, target: Path, *, whole: bool) -> None:
    """One picture, once nothing is loading any more."""
    page.evaluate("address => { location.hash = address }", address)
    page.wait_for_timeout(300)
    page.locator("main h1").first.wait_for()
    page.locator("main [aria-busy=true], main .skeleton").first.wait_for(state="detached")
    page.wait_for_timeout(400)
    page.screenshot(path=target, full_page=whole, animations="disabled")


@contextmanager
def demonstration() -> Iterator[tuple[str, str, str]]:
    """A platform of its own with the demo's data: gateway, email, password."""
    with TemporaryDirectory() as folder:
        stack = Stack(Path(folder), own=True).start()
        try:
            command = [sys.executable, "-m", "local.life", "--state", folder]
            done = subprocess.run(
                command, cwd=ROOT, text=True, stdout=subprocess.PIPE, timeout=DEMO_SECONDS, check=True
            )
            found = re.search(r"Owner: (\S+), password (\S+)", done.stdout)
            assert found is not None, done.stdout[-500:]
            yield stack.gateway, found[1], found[2]
        finally:
            stack.stop()


def pictures(gateway: str, email: str, password: str, folder: Path | None, operator: tuple[str, str] | None) -> None:
    """Take the pictures that the documents show, or every page into `folder`, also outside and of the operator."""
    token, refresh = sign_in(gateway, email, password)
    ids = subjects(gateway, token, draft=folder is not None)
    binary = chromium()
    if binary is None:
        sys.exit("Chromium is missing: `apt-get install chromium-headless-shell`.")
    shown = {refresh: PAGES}
    if folder is not None:
        shown[""] = OUTSIDE
        if operator is not None:
            shown[sign_in(gateway, *operator)[1]] = OPERATED
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        for width, dark in ((1280, False), (360, True), (1280, True), (360, False), (768, False)):
            for who, pages in shown.items():
                page = taken(browser, gateway, who, width=width, dark=dark)
                for name, template in pages.items():
                    look = f"{name}-{width}-{'dark' if dark else 'light'}"
                    if folder is not None:
                        take(page, template.format(**ids), folder / f"{look}.png", whole=True)
                    elif (name in SHOWN and (width, dark) == (1280, False)) or look == "home-360-dark":
                        target = f"console-{name}{'-phone' if width == 360 else ''}.png"
                        take(page, template.format(**ids), IMAGES / target, whole=False)
                    else:
                        continue
                    print(look, flush=True)
                page.context.close()
        browser.close()


def main() -> None:
    """Take pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every page instead of those of the documents")
    parser.add_argument("--url", help="a platform that runs and has the demo's data")
    parser.add_argument("--email", default="demo@example.com")
    parser.add_argument("--password", default="")
    parser.add_argument("--operator", default="operator@agenthub.test", help="who runs the platform of --url")
    parser.add_argument("--operator-password", default="", help="without it the operator's pages are left out")
    given = parser.parse_args()
    build_stale()
    if given.all:
        given.all.mkdir(parents=True, exist_ok=True)
    if given.url:
        operator = (given.operator, given.operator_password) if given.operator_password else None
        pictures(given.url.rstrip("/"), given.email, given.password, given.all, operator)
        return
    with demonstration() as (gateway, email, password):
        pictures(gateway, email, password, given.all, None)


if __name__ == "__main__":
    main()
