"""A visitor of a customer's page, once with Chromium and the real widget, once speaking HTTP as the widget does."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.client import Unexpected

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MILLISECONDS = 20_000


@dataclass(frozen=True)
class Seen:
    """An answer as the visitor reads it."""

    text: str
    sources: list[str]


def chromium() -> str | None:
    """A Chromium of this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserVisitor:
    """Chromium on the customer's page."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._answers = 0

    @classmethod
    @contextmanager
    def on(cls, binary: str, origin: str) -> Iterator["BrowserVisitor"]:
        """A page of this origin with the chat opened."""
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-US")
            page.set_default_timeout(MILLISECONDS)
            page.goto(origin)
            page.locator("agenthub-chat .launcher").click()
            page.get_by_role("dialog").wait_for()
            try:
                yield cls(page)
            finally:
                browser.close()

    def _send(self, text: str) -> None:
        field = self._page.get_by_role("textbox", name="Write a message")
        field.fill(text)
        field.press("Enter")

    def _answer(self) -> Seen:
        self._answers += 1
        sources = self._page.locator(".sources").nth(self._answers - 1)
        sources.wait_for()
        text = self._page.locator(".message.agent .bubble").last.inner_text()
        return Seen(text, sources.inner_text().splitlines())

    def ask(self, text: str) -> Seen:
        """Say something and read the whole answer."""
        self._send(text)
        return self._answer()

    def refused(self, text: str) -> str:
        """Say something that is refused; returns what the widget says instead."""
        self._send(text)
        notice = self._page.locator(".notice")
        notice.wait_for()
        return str(notice.inner_text()).splitlines()[0]

    def again(self, text: str) -> Seen:
        """Press "Try again" on what was refused, and read the answer."""
        self._page.get_by_role("button", name="Try again").click()
        return self._answer()


class HttpVisitor:
    """The calls that the widget makes, without a browser."""

    def __init__(self, gateway: str, widget: str, origin: str) -> None:
        self._gateway, self._origin = gateway, origin
        self._http = requests.Session()
        self._http.trust_env = False
        answer = self._http.post(f"{gateway}/api/widgets/{widget}/sessions", json={}, headers={"Origin": origin})
        if answer.status_code != 201:
            raise Unexpected(f"a session answered {answer.status_code}: {answer.text[:500]}")
        self._token = answer.json()["token"]
        self._away = self._http.get(f"{gateway}/v1/w/{widget}.json").json()["texts"]["en"]["away"]

    def _turn(self, text: str) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Origin": self._origin,
            "Idempotency-Key": uuid.uuid4().hex,
            "Accept": "text/event-stream",
        }
        return self._http.post(f"{self._gateway}/api/chat", json={"message": text}, headers=headers, stream=True)

    def ask(self, text: str) -> Seen:
        """Say something and read the streamed answer."""
        answer = self._turn(text)
        if answer.status_code != 200:
            raise Unexpected(f"a turn answered {answer.status_code}: {answer.text[:500]}")
        said, sources, name = "", [], ""
        for line in answer.iter_lines(decode_unicode=True):
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                said += data["text"] if name == "delta" else ""
                sources += [source["title"] for source in data["sources"]] if name == "sources" else []
        return Seen(said, sources)

    def refused(self, text: str) -> str:
        """Say something that is refused with 402; returns the widget's away message."""
        answer = self._turn(text)
        if answer.status_code != 402:
            raise Unexpected(f"a turn over the cap answered {answer.status_code}: {answer.text[:500]}")
        return str(self._away)

    def again(self, text: str) -> Seen:
        """Try what was refused again."""
        return self.ask(text)
