"""Where mails go on a laptop: a folder of text files, oldest first by name, so that a person can read them."""

import os
import time
from pathlib import Path


def keep(folder: Path, name: str, content: bytes, ending: str = "txt") -> Path:
    """Write one mail whole or not at all, for this user's eyes only; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns()}-{name}.{ending}"
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
    return path
