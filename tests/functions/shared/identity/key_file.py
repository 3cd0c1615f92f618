"""Writes a service account's key file as the supervisor does: google.auth then asks the local identity service."""

import json
from pathlib import Path

from local.identity.keys import Keyring, client_id, user_key
from tests.engines import Engine


def write_key(identity: Engine, email: str, path: Path) -> Path:
    key = Keyring(identity.data / "keys").key(user_key(email))
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": email,
                "client_id": client_id(email),
                "private_key_id": key.kid,
                "private_key": key.private_pem,
                "token_uri": f"http://{identity.address}/token",
            }
        )
    )
    return path
