"""Serves the demo page, the site of an invented business, because a widget has to be seen on somebody else's page.

`python -m local.demo --port 8090 --widget ID --script http://localhost:8000/v1/widget.js` serves the console's page for
trying a widget from an origin of its own; it carries exactly one script tag, as a customer's page would.
"""

import argparse
import html
import mimetypes
import re
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from local.process import announce, die_with_parent, wait_for_stop

CONSOLE = Path(__file__).resolve().parent.parent / "web" / "console"
PAGE = CONSOLE / "try.html"
FILES = {"/src/try/style.css": CONSOLE / "src" / "try" / "style.css"}
"""What the page needs beside itself, by path."""
_PLACE = re.compile(r"<!-- widget -->.*?<!-- /widget -->", re.DOTALL)
"""Where the console's build has its policy and its script, and a customer's page its tag."""


def script_tag(script: str, widget: str, attributes: Mapping[str, str] | None = None) -> str:
    """The one line that a customer pastes."""
    named = {"src": script, "data-widget": widget, **(attributes or {})}
    written = " ".join(f'{name}="{html.escape(value)}"' for name, value in named.items())
    return f"<script async {written}></script>"


def page(tag: str) -> bytes:
    """The demo page with `tag` in its place."""
    return _PLACE.sub(lambda _: tag, PAGE.read_text(encoding="utf-8"), count=1).encode()


def server(host: str, port: int, tag: str, headers: Mapping[str, str] | None = None) -> ThreadingHTTPServer:
    """A server of the demo page and its files, bound but not yet running; `headers` as a stricter site sends them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path in ("/", "/index.html"):
                self.answer(200, "text/html; charset=utf-8", page(tag))
            elif path in FILES:
                kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
                self.answer(200, kind, FILES[path].read_bytes())
            else:
                self.answer(404, "text/plain; charset=utf-8", b"There is no such page.\n")

        def do_HEAD(self) -> None:
            self.do_GET()

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in {"Cache-Control": "no-cache", **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A demo page needs no access log."""

    return ThreadingHTTPServer((host, port), Handler)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="The demo page of an invented business.")
    parser.add_argument("--port", type=int, default=8090, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--widget", required=True, help="id of the widget that the page shows")
    parser.add_argument("--script", default="http://localhost:8000/v1/widget.js", help="address of the widget's script")
    options = parser.parse_args()
    die_with_parent()
    serving = server(options.host, options.port, script_tag(options.script, options.widget))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    announce(serving.server_address[1])
    wait_for_stop()
    serving.shutdown()
    serving.server_close()


if __name__ == "__main__":
    main()
