"""How far the local engines' writes reach: to the disk, or only to the operating system.

What has reached the operating system outlives `kill -9`; what has reached the disk outlives a power cut too.
`AGENTHUB_FSYNC=off` spares the disk: the tests set it, whose state nobody wants back after a power cut.
"""

import os

TO_DISK = os.environ.get("AGENTHUB_FSYNC", "").lower() not in ("off", "false", "0", "no")
SYNCHRONOUS = "FULL" if TO_DISK else "OFF"
"""SQLite's `PRAGMA synchronous` for what must be durable."""


def fsync(descriptor: int) -> None:
    """Wait until a file, or a folder's list of names, is on the disk; nothing where the disk is spared."""
    if TO_DISK:
        os.fsync(descriptor)
