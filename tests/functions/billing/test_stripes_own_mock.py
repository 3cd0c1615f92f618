"""Every request that we send to Stripe, sent to Stripe's own mock, which holds it against Stripe's published API.

The mock is a Go program: `nox -s stripe` and CI build it once into the user's cache, with the Go that is there; it is left
out where there is none. The other sessions use it where it has been built before.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from functions.billing import cards
from functions.shared import config
from functions.shared.errors import Unavailable
from local.process import free_port

VERSION = "v0.203.0"
MODULE = f"github.com/stripe/stripe-mock@{VERSION}"
GO = shutil.which("go") or next((str(one) for one in [Path("/usr/local/go/bin/go")] if one.exists()), None)
KEY = "sk_test_123"

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(GO is None, reason="Go is not installed, so Stripe's mock cannot be built"),
]


def built() -> Path:
    """The mock's program; skips the test where nobody asks for it to be built, and fails it where it cannot be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agenthub" / f"stripe-mock-{VERSION}"
    program = cache / "stripe-mock"
    if not program.exists():
        if os.environ.get("STRIPE_MOCK") != "build":
            pytest.skip("Stripe's mock is not built here: nox -s stripe builds it")
        assert GO is not None
        with tempfile.TemporaryDirectory() as folder:
            # What it was built from is 180 MB that nobody needs again.
            own = {"GOPATH": f"{folder}/go", "GOCACHE": f"{folder}/build", "GOFLAGS": "-modcacherw"}
            environment = {**own, **os.environ, "GOBIN": str(cache)}
            made = subprocess.run(
                [GO, "install", MODULE], env=environment, capture_output=True, text=True, timeout=540, check=False
            )
        assert made.returncode == 0, f"Stripe's mock could not be built: {made.stderr.strip()[-300:]}"
    return program


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    """Its address."""
    port = free_port()
    with subprocess.Popen(
        [built(), "-http-addr", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            give_up = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert process.poll() is None, "the mock has ended"
                    assert time.monotonic() < give_up, "the mock does not answer"
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def asked(mock: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The settings by which billing-api would use it."""
    settings = {"STRIPE_API_KEY": KEY, "STRIPE_WEBHOOK_SECRET": "whsec_x", "STRIPE_API_BASE": mock}
    for name, value in {**settings, "GOOGLE_CLOUD_PROJECT_ID": "p"}.items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield mock
    config.settings.cache_clear()


def order(email: str | None) -> cards.Order:
    said = {"workspace": "ws_1", "agenthub_installation": "p/dev", "purpose": "invoice", "amount_minor": "1000"}
    return cards.Order(1000, "USD", "AgentHub, invoice A-2026-0001", said, "https://x.test/", "https://x.test/", email)


@pytest.mark.parametrize("email", [None, "ann@example.com"])
def test_a_checkout_is_one_that_stripe_takes(asked: str, email: str | None) -> None:
    page = cards.open_checkout(order(email), "key")
    assert page.id.startswith("cs_")
    assert page.url.startswith("https://")


def test_a_payment_is_asked_for_as_stripe_answers(asked: str) -> None:
    found = cards.payment("pi_123")
    assert found is not None
    assert found.intent == "pi_123"
    assert found.currency == "USD"
    assert found.refunds[0].id.startswith("re_")
    # The mock's charges are never disputed, so this request is made by itself.
    (dispute,) = cards._disputes(cards._client(), "pi_123")
    assert dispute.id.startswith("dp_")


def test_a_refund_is_one_that_stripe_takes(asked: str) -> None:
    cards.refund("pi_123", 400, {"refund": "ref_1", "workspace": "ws_1"}, "key")


def test_the_mock_refuses_what_stripe_does_not_know(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the tests above would say nothing."""
    answer = requests.post(
        f"{asked}/v1/refunds", data={"no_such": "1"}, headers={"Authorization": f"Bearer {KEY}"}, timeout=20
    )
    assert answer.status_code == 400
    monkeypatch.setattr(cards, "RETRIES", 0)
    monkeypatch.setenv("STRIPE_API_KEY", "no key")
    config.settings.cache_clear()
    with pytest.raises(Unavailable):
        cards.refund("pi_123", 400, {}, "key")
