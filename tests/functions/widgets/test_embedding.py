"""The code that owners are given: one async tag, escaped wherever it goes, and pinned where the CDN says to what."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from functions.shared import config
from tests.cloud import URL, Cloud
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers
from tests.functions.widgets.test_service import made

SNIPPETS = ("html", "wordpress", "shopify", "react", "tag_manager")


@contextmanager
def served(files: dict[str, str]) -> Iterator[str]:
    """A CDN with these files."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_embed_code_is_one_async_tag_and_every_snippet_has_it(room: Room, cloud: Cloud) -> None:
    workspace, _, widget = made(cloud, allowed_origins=["https://shop.example"])
    found = content(room.ask("GET", f"/api/widgets/{widget}/embed", callers.person("viewer", workspace)))
    assert found["script"] == f'<script async src="{URL}/v1/widget.js" data-widget="{widget}"></script>'
    assert found["content_security_policy"][0] == f"script-src {URL}"
    assert found["content_security_policy"][1] == f"connect-src {URL}"
    assert "https://shop.example" in found["note"]
    assert [snippet["kind"] for snippet in found["snippets"]] == list(SNIPPETS)
    for snippet in found["snippets"]:
        assert widget in snippet["code"]
    [php] = [one["code"] for one in found["snippets"] if one["kind"] == "wordpress"]
    assert php.count('"') == 4


def test_an_address_with_quotes_and_tags_is_escaped_in_every_snippet(
    room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDN_URL", "https://cdn.example/\"'<b>&x")
    config.settings.cache_clear()
    workspace, _, widget = made(cloud)
    found = content(room.ask("GET", f"/api/widgets/{widget}/embed", callers.person("viewer", workspace)))
    assert found["script"].startswith(
        '<script async src="https://cdn.example/&quot;&#x27;&lt;b&gt;&amp;x/v1/widget.js"'
    )
    for snippet in found["snippets"]:
        assert "<b>" not in snippet["code"]
        if snippet["kind"] in ("react", "tag_manager"):
            assert r"https://cdn.example/\"'\u003cb>&x/v1/widget.js" in snippet["code"]
    assert "No page may show" in found["note"]


def test_a_pinned_tag_is_offered_where_the_cdn_says_what_the_script_is(
    room: Room, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _, widget = made(cloud)
    path, viewer = f"/api/widgets/{widget}/embed", callers.person("viewer", workspace)
    part = {"path": "v1/widget-0123456789abcdef.js", "integrity": f"sha384-{'A' * 64}"}
    for described, kinds in (
        (part, {"pinned"}),
        ({**part, "path": 'v1/x".js'}, set()),
        ({**part, "integrity": "none"}, set()),
        (None, set()),
    ):
        with served({"/v1/manifest.json": json.dumps({"widget": described})}) as address:
            monkeypatch.setenv("CDN_URL", address)
            config.settings.cache_clear()
            found = content(room.ask("GET", path, viewer))
        assert {one["kind"] for one in found["snippets"]} - set(SNIPPETS) == kinds
        if kinds:
            assert found["snippets"][-1]["code"] == (
                f'<script async src="{address}/{part["path"]}" integrity="{part["integrity"]}" crossorigin="anonymous" '
                f'data-widget="{widget}"></script>\n'
            )
