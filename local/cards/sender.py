"""Sends webhooks as Stripe does: signed with the time, one after the other, again while nobody takes them."""

import contextlib
import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from local.cards.store import Store

_TRIES = 8
_LONGEST = 60.0
_SECONDS = 20


def signed(content: str, secret: str, at: int) -> str:
    """The header `Stripe-Signature` for a body that was sent then."""
    digest = hmac.new(secret.encode(), f"{at}.{content}".encode(), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Sender:
    """A thread that empties the outbox; without an address the events stay where they can be read."""

    def __init__(self, store: Store, address: str | None, secret: str) -> None:
        self._store, self._address, self._secret = store, address, secret
        self._wake = threading.Event()

    def start(self) -> None:
        """Send from now on, until the process ends."""
        if self._address is not None:
            threading.Thread(target=self._run, name="send webhooks", daemon=True).start()

    def wake(self) -> None:
        """Something is to be sent."""
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.clear()
            for event, attempts in self._store.due():
                if self._taken(event) or attempts + 1 >= _TRIES:
                    self._store.sent(event)
                else:
                    self._store.later(event, min(2.0**attempts, _LONGEST))
            self._wake.wait(1.0)

    def _taken(self, event: str) -> bool:
        assert self._address is not None
        content = json.dumps(self._store.get("event", event))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signed(content, self._secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (local)",
        }
        request = urllib.request.Request(self._address, content.encode(), headers, method="POST")
        with contextlib.suppress(urllib.error.URLError, OSError), _direct()(request, timeout=_SECONDS) as answer:
            return bool(200 <= answer.status < 300)
        return False


def _direct() -> Callable[..., "contextlib.AbstractContextManager[urllib.request._UrlopenRet]"]:
    """An opener that no proxy of the environment stands between."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open
