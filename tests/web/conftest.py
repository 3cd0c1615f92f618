"""Chromium, the built widget and its stand-in platform, as fixtures of the browser tests."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from infra import web
from tests.web import standin

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def built() -> None:
    """The front ends are built from the sources of now."""
    web.build_stale()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium of the machine; without one the test is skipped, in CI it fails."""
    with sync_playwright() as playwright:
        found = [path for name in NAMES if (path := shutil.which(name))]
        bundled = playwright.chromium.executable_path
        path = found[0] if found else bundled if os.path.exists(bundled) else ""
        if not path:
            advice = "Chromium is missing: `apt-get install chromium`, or `python -m playwright install chromium`."
            if os.environ.get("CI"):
                pytest.fail(advice)
            pytest.skip(advice)
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def platform(built: None) -> Iterator[standin.Standin]:
    """A fresh stand-in of the platform."""
    with standin.platform() as running:
        yield running


@pytest.fixture
def site(platform: standin.Standin) -> Iterator[str]:
    """The address of the customer's page, on an origin of its own."""
    with standin.site(platform) as origin:
        yield origin
