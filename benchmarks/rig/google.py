"""Stands for Google's services around a function: the metadata server that gives it tokens, as on Cloud Run."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class Metadata:
    """A metadata server in a thread; `environment` makes google.auth find it."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        host = f"127.0.0.1:{self._server.server_address[1]}"
        self.environment = {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host, "GOOGLE_APPLICATION_CREDENTIALS": ""}

    def __enter__(self) -> "Metadata":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        """A token, an account, or the project."""
        answer: object = "agenthub-local"
        if "/token" in self.path:
            answer = {"access_token": "bench", "expires_in": 3600, "token_type": "Bearer"}
        elif "service-accounts" in self.path:
            answer = {"email": "bench@agenthub-local.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.end_headers()
        self.wfile.write(text.encode())
