"""The service account as which rows go into Google's own BigQuery: a bearer token from its key, renewed when it ends."""

import base64
import json
import threading

from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

_SCOPES = ("https://www.googleapis.com/auth/bigquery.insertdata",)


class NoToken(Exception):
    """There is no token at this moment; the message says why."""


class Account:
    """Tokens of one account, from any thread."""

    def __init__(self, key: str) -> None:
        """`key` is the base64 of the account's JSON key file. Raises ValueError for anything else."""
        self._credentials = Credentials.from_service_account_info(
            json.loads(base64.b64decode(key, validate=True)), scopes=_SCOPES
        )
        self._lock = threading.Lock()

    def authorization(self) -> str:
        """The value of the Authorization header. Raises NoToken."""
        with self._lock:
            try:
                if not self._credentials.valid:
                    self._credentials.refresh(Request())
            except GoogleAuthError as error:
                raise NoToken(f"no token for {self._credentials.service_account_email}: {error}") from error
            return f"Bearer {self._credentials.token}"
