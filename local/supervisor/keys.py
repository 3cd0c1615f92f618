"""The installation's key on this machine: made once, kept with the state, so that derived secrets survive a restart."""

import base64
import os
import secrets
from pathlib import Path


def installation_key(state: Path) -> str:
    """Base64 of 32 random bytes, always the same for one state folder. Only its owner may read the file."""
    path = state / "installation.key"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)).decode())
        temporary.replace(path)
    return path.read_text(encoding="ascii")
