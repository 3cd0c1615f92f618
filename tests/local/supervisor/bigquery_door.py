"""Stands where Google's BigQuery would: lets in who brings a token of an account, and passes on to an engine."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from local.identity.accounts import ServiceAccounts


class Door:
    """Listens on a port of its own until closed; `callers` are the accounts that it has let in."""

    def __init__(self, engine: str, accounts: ServiceAccounts) -> None:
        self.callers: set[str] = set()
        self.engine = engine
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, engine, accounts))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def address(self) -> str:
        """The URL to ask."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(door: Door, engine: str, accounts: ServiceAccounts) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            account = accounts.bearer(self.headers.get("Authorization", ""))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if account is None:
                self.answer(401, b'{"error": {"code": 401, "message": "no token", "errors": []}}')
                return
            door.callers.add(account)
            sent = {"Content-Type": self.headers.get("Content-Type", "application/json")}
            with requests.Session() as http:
                http.trust_env = False
                found = http.request(self.command, engine + self.path, data=body, headers=sent, timeout=30)
            self.answer(found.status_code, found.content)

        do_POST = do_GET

        def answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
