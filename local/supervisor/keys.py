"""The installation's keys on this machine: made once, kept with the state, so that what they made survives a restart."""

import base64
import datetime
import os
import secrets
from pathlib import Path


def installation_key(state: Path) -> str:
    """Base64 of 32 random bytes, always the same for one state folder. Only its owner may read the file."""
    return _kept(state / "installation.key", _random())


def evidence_key(state: Path) -> str:
    """What EVIDENCE_SIGNING_KEY holds: base64 of an Ed25519 key's 32 bytes and the day on which it was made."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return _kept(state / "evidence.key", f"{_random()}@{today}")


def _random() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _kept(path: Path, new: str) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(new)
        temporary.replace(path)
    return path.read_text(encoding="ascii")
