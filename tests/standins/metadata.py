"""The metadata server of an instance: where deployed code, which holds no key, gets tokens of its own account.

As strict as the real one where it matters: a request without `Metadata-Flavor: Google` is refused, and an ID token has
an e-mail only when `format=full` is asked for. The tokens themselves come from the local identity service.
"""

import functools
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from google.auth.transport.requests import Request
from google.oauth2 import service_account

from local.oidc import Tokens

_ROOT = "/computeMetadata/v1/"
_ACCOUNTS = f"{_ROOT}instance/service-accounts/"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


class MetadataServer:
    """One instance's; `address` is what GCE_METADATA_HOST and GCE_METADATA_IP name."""

    def __init__(self, identity: str, key: Path, project: str) -> None:
        """`identity` is the identity service's address, `key` the key file of the instance's account."""
        self.email: str = json.loads(key.read_text(encoding="utf-8"))["client_email"]
        self._key = key
        self._project = project
        self._tokens = Tokens(identity, key)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query))
                known = self.headers.get("Metadata-Flavor") == "Google"
                status, content_type, body = server._answer(parts.path, query) if known else (403, "text/html", "")
                content = body.encode()
                self.send_response(status)
                self.send_header("Metadata-Flavor", "Google")
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, query: dict[str, str]) -> tuple[int, str, str]:
        """Status, content type and content."""
        simple = {
            "/": "computeMetadata/\n",
            f"{_ROOT}project/project-id": self._project,
            f"{_ROOT}universe/universe-domain": "googleapis.com",
        }
        text = simple.get(path or "/")
        if text is not None:
            return 200, "application/text", text
        for name in ("default", self.email):
            account = f"{_ACCOUNTS}{name}/"
            if path == account and query.get("recursive") == "true":
                found = {"aliases": ["default"], "email": self.email, "scopes": list(_SCOPES)}
                return 200, "application/json", json.dumps(found)
            if path == f"{account}token":
                return 200, "application/json", json.dumps(self._access_token())
            if path == f"{account}identity" and query.get("format") == "full" and query.get("audience"):
                return 200, "text/html", self._tokens.get(self.email, query["audience"])
        return 404, "text/html", ""

    def _access_token(self) -> dict[str, object]:
        credentials = service_account.Credentials.from_service_account_file(str(self._key), scopes=_SCOPES)
        credentials.refresh(functools.partial(Request(), timeout=10))
        return {"access_token": str(credentials.token), "expires_in": 3599, "token_type": "Bearer"}
