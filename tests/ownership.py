"""Watches every Firestore write of the test run: a collection's owner alone may write it (contracts.OWNERS).

`watch` looks at each write as it is added to a batch: the collection in its path, and the first module of `functions`
up the stack that is not shared/firestore itself. It changes nothing; a foreign writer raises where it writes. What the
tests themselves write is nobody's business here.
"""

import functools
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from functions.shared import contracts, firestore

WRITES = ("create", "set", "merge", "update", "replace", "delete")


class ForeignWrite(BaseException):
    """A module writes a collection that is another's. A BaseException, so that no handler takes it for bad luck."""


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every write checked until the monkeypatch is undone."""
    for name in WRITES:
        monkeypatch.setattr(firestore.Batch, name, _watched(getattr(firestore.Batch, name)))


def _watched(write: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(write)
    def watched(batch: firestore.Batch, path: str, *args: Any, **kwargs: Any) -> None:
        check(path, writer(sys._getframe(1)))
        write(batch, path, *args, **kwargs)

    return watched


def writer(frame: FrameType | None) -> str | None:
    """The module of `functions` that this call comes from; None when a test writes for itself."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("functions."):
            if module != "functions.shared.firestore":
                return str(module)
        elif module != __name__:
            return None
        frame = frame.f_back
    return None


def check(path: str, module: str | None) -> None:
    """Raise ForeignWrite unless the module is in the folder that owns the document's collection."""
    if module is None:
        return
    collection = path.split("/")[-2]
    owner = contracts.OWNERS.get(collection)
    if module.split(".")[1] != owner:
        raise ForeignWrite(f"{module} writes {collection}, which belongs to {owner or 'nobody: list it in OWNERS'}")
