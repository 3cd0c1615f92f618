"""How engines are told what is deployed, and how they call it."""

import argparse
import threading
import time
from pathlib import Path

import pytest

from local.deployments import add_options, post, read_catalogue
from local.process import free_port
from tests.engines import ROOT
from tests.local.standins import listening


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(arguments)


def test_addresses_are_collected_without_a_slash_at_their_end() -> None:
    options = parse("--address", "a=http://127.0.0.1:1/", "--address", "b=https://b.example")
    assert dict(options.address) == {"a": "http://127.0.0.1:1", "b": "https://b.example"}
    assert options.project == "agenthub-local"


@pytest.mark.parametrize("text", ["a", "=http://x", "a=x", "a=http://x/path", "a=ftp://x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SystemExit):
        parse("--address", text)


def test_the_catalogue_is_read_and_anything_else_refused(tmp_path: Path) -> None:
    assert "usage-recorded" in read_catalogue(ROOT / "infra" / "catalogue.yaml")["topics"]
    (tmp_path / "x.yaml").write_text("- a list")
    with pytest.raises(ValueError, match="not a catalogue"):
        read_catalogue(tmp_path / "x.yaml")


def test_a_post_gives_status_and_text() -> None:
    with listening(lambda r: (202, r.body.upper())) as listener:
        answer = post(f"{listener.url}/a?b=c", "ä".encode(), {"X-One": "1"}, 5)
        [received] = listener.requests
    assert (answer.status, answer.body) == (202, "ä".encode().upper().decode())
    assert received.path == "/a?b=c"
    assert received.headers["X-One"] == "1"


def test_an_address_where_nobody_listens_answers_nothing_after_the_patience() -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    started = time.monotonic()
    assert post(url, b"", {}, 5).status == 0
    assert post(url, b"", {}, 5, patience=0.2).status == 0
    assert time.monotonic() - started >= 0.2


def test_a_deployment_that_starts_meanwhile_is_reached() -> None:
    port = free_port()
    answers: list[int] = []
    caller = threading.Thread(
        target=lambda: answers.append(post(f"http://127.0.0.1:{port}/", b"", {}, 5, patience=20).status)
    )
    caller.start()
    with listening(port=port) as listener:
        listener.wait(lambda r: len(r) == 1)
        caller.join(10)
    assert answers == [204]


def test_a_server_that_hangs_is_given_up_after_the_timeout() -> None:
    never = threading.Event()
    with listening(lambda _: (200, b"") if never.wait(20) else (500, b"")) as listener:
        assert post(listener.url, b"", {}, 0.1).status == 0
        never.set()
