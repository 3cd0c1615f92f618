"""A visitor of a customer's page, once with Chromium and the real widget, once speaking HTTP as the widget does."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.client import SECONDS, Client, check, events_of

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The shell has the same engine without what only a window needs; a page takes it a third of the CPU time."""
MILLISECONDS = 20_000
STREAM = "text/event-stream"


@dataclass(frozen=True)
class Seen:
    """An answer as the visitor reads it."""

    text: str
    sources: list[str]
    first_words: float | None = None
    """Seconds until the first words were there; None for an answer in one piece, and where nobody looked."""


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

    def __init__(self, site: str, widget: str, origin: str) -> None:
        """Read the widget's public file beside its script at `site`, and open a session at the addresses in it."""
        public = Client(site).get(f"/v1/w/{widget}.json")
        self._origin = origin
        self._away = str(public["texts"][public["default_locale"]]["away"])
        self.api_url, self.chat_url = str(public["api_url"]), str(public["chat_url"])
        path = f"/api/widgets/{widget}/sessions"
        session = Client(self.api_url).ask("POST", path, {}, status=201, key=False, Origin=origin)
        self._chat = Client(self.chat_url)
        self._chat.token = session.json()["token"]

    def _turn(self, text: str, accept: str, status: int = 200) -> requests.Response:
        headers = {"Origin": self._origin, "Accept": accept}
        return self._chat.ask("POST", "/api/chat", {"message": text}, status=status, stream=True, **headers)

    def ask(self, text: str, accept: str = STREAM) -> Seen:
        """Say something and read the answer: as it is streamed, or the whole where it comes in one piece."""
        began = time.monotonic()
        answer = self._turn(text, accept)
        if not answer.headers["Content-Type"].startswith(STREAM):
            whole = answer.json()
            return Seen(whole["message"]["text"], [source["title"] for source in whole["sources"]])
        said, sources, first, name = "", [], None, ""
        for name, data in events_of(answer):
            if name == "delta":
                said += data["text"]
                first = time.monotonic() - began if first is None else first
            elif name == "sources":
                sources += [source["title"] for source in data["sources"]]
            check(name != "error", f"the turn's stream ended with {data}")
            check(time.monotonic() - began < SECONDS, f"the turn's stream did not end in {SECONDS} s")
        check(name == "done", f"the turn's stream broke off after {said!r}, event {name!r}")
        return Seen(said, sources, first)

    def refused(self, text: str) -> str:
        """Say something that is refused with 402; returns the widget's away message."""
        self._turn(text, STREAM, status=402).close()
        return self._away

    def again(self, text: str) -> Seen:
        """Try what was refused again."""
        return self.ask(text)
