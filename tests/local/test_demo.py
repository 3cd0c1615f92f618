"""The demo page is a customer's page: an origin of its own and exactly one script tag."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from local import demo


@pytest.fixture
def origin() -> Iterator[str]:
    """The demo as a process of its own, as the README starts it."""
    arguments = ["--port", "0", "--widget", 'wgt_"1', "--script", "http://localhost:1/v1/widget.js"]
    process = subprocess.Popen([sys.executable, "-m", "local.demo", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ready, port = process.stdout.readline().split()
    assert ready == "READY"
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    process.stdout.close()


def test_the_page_carries_one_script_tag_and_its_files(origin: str) -> None:
    with urllib.request.urlopen(f"{origin}/?from=mail") as answer:
        page = answer.read().decode()
    assert re.findall(r"<script.*?>", page) == [
        '<script async src="http://localhost:1/v1/widget.js" data-widget="wgt_&quot;1">'
    ]
    assert page.count("<script") == 1
    assert "Content-Security-Policy" not in page
    [style] = re.findall(r'rel="stylesheet" href="\.(.+?)"', page)
    with urllib.request.urlopen(f"{origin}{style}") as answer:
        assert answer.headers["Content-Type"] == "text/css"
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"{origin}/../demo.py")
    assert missing.value.code == 404
    missing.value.close()


def test_the_page_names_no_other_host() -> None:
    for path in (demo.PAGE, *demo.FILES.values()):
        assert os.path.getsize(path) < 20_000
        assert not re.search(r"(src|href)=.https?:", path.read_text(encoding="utf-8"))
