"""Keeps objects as files that are whole or absent, whatever moment the process dies.

An object is two files in its bucket's folder: the content, named by a hash of the object's name and its generation,
and the metadata beside it. Content is written first, under a name that nothing points to; renaming the new metadata
over the old is the one step that makes the new object visible.
"""

import bisect
import contextlib
import dataclasses
import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from local.durability import fsync
from local.storage.errors import Refusal, condition_not_met, no_object

_SCRATCH = "incoming"


@dataclass(frozen=True)
class Stored:
    """What is known of one object; times are microseconds since 1970."""

    name: str
    generation: int
    metageneration: int
    size: int
    md5: str
    crc32c: str
    created: int
    updated: int
    content_type: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    custom_time: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Conditions:
    """Preconditions of a request; None means that it made none. Generation 0 is "does not exist"."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    def check(self, current: Stored | None) -> None:
        """Raise 412 where they do not hold."""
        generation = current.generation if current else 0
        metageneration = current.metageneration if current else None
        held = (
            self.generation in (None, generation)
            and (self.not_generation is None or self.not_generation != generation)
            and self.metageneration in (None, metageneration)
            and (self.not_metageneration is None or self.not_metageneration != metageneration)
        )
        if not held:
            raise condition_not_met()


class Bucket:
    """One bucket in a folder of its own; safe for many threads."""

    def __init__(self, folder: Path, name: str, *, public: bool) -> None:
        self.name = name
        self.public = public
        self._folder = folder / name
        self._scratch = self._folder / _SCRATCH
        self._scratch.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._objects: dict[str, Stored] = {}
        for path in self._folder.glob("*.json"):
            stored = Stored(**json.loads(path.read_text()))
            self._objects[stored.name] = stored
        self._names = sorted(self._objects)
        self._generation = max((o.generation for o in self._objects.values()), default=0)
        self._clear_leftovers()

    def _clear_leftovers(self) -> None:
        """Remove content that a crash left without metadata, and metadata that it left half written."""
        wanted = {self._content(stored).name for stored in self._objects.values()}
        for path in self._folder.glob("*.content"):
            if path.name not in wanted:
                path.unlink()
        for path in (*self._folder.glob("*.new"), *self._scratch.iterdir()):
            path.unlink()

    @property
    def scratch(self) -> Path:
        """Where uploads are collected; on the same file system, so that a rename suffices."""
        return self._scratch

    def get(self, name: str, generation: int | None = None) -> Stored:
        """The object; 404 if there is none, or not of that generation."""
        with self._lock:
            stored = self._objects.get(name)
        if stored is None or generation not in (None, stored.generation):
            raise no_object(self.name, name)
        return stored

    def find(self, name: str) -> Stored | None:
        """The object, if there is one."""
        with self._lock:
            return self._objects.get(name)

    def open(self, name: str, generation: int | None = None) -> tuple[Stored, BinaryIO]:
        """The object with its content, which stays readable when the object is replaced meanwhile."""
        with self._lock:
            stored = self._objects.get(name)
            if stored is None or generation not in (None, stored.generation):
                raise no_object(self.name, name)
            return stored, self._content(stored).open("rb")

    def put(self, content: Path, stored: Stored, conditions: Conditions) -> Stored:
        """Make the file `content` (synced, in `scratch`) the object's content; 412 where conditions do not hold."""
        with self._lock:
            current = self._objects.get(stored.name)
            conditions.check(current)
            now = time.time_ns() // 1000
            self._generation = max(self._generation + 1, now)
            stored = dataclasses.replace(
                stored, generation=self._generation, metageneration=1, created=now, updated=now
            )
            content.rename(self._content(stored))
            self._write(stored)
            if current is None:
                bisect.insort(self._names, stored.name)
            self._objects[stored.name] = stored
            if current is not None:
                self._content(current).unlink(missing_ok=True)
            return stored

    def change(self, name: str, changes: dict[str, object], conditions: Conditions, generation: int | None) -> Stored:
        """Replace fields of the metadata; 404, 412."""
        with self._lock:
            current = self._objects.get(name)
            if current is None or generation not in (None, current.generation):
                raise no_object(self.name, name)
            conditions.check(current)
            updated = time.time_ns() // 1000
            stored = dataclasses.replace(
                current,
                **changes,  # type: ignore[arg-type]  # the caller has checked names and types
                metageneration=current.metageneration + 1,
                updated=updated,
            )
            self._write(stored)
            self._objects[name] = stored
            return stored

    def delete(self, name: str, conditions: Conditions, generation: int | None) -> None:
        """Remove the object; 404, 412."""
        with self._lock:
            current = self._objects.get(name)
            if current is None or generation not in (None, current.generation):
                raise no_object(self.name, name)
            conditions.check(current)
            self._metadata(name).unlink()
            sync_folder(self._folder)
            del self._objects[name]
            del self._names[bisect.bisect_left(self._names, name)]
            self._content(current).unlink(missing_ok=True)

    def list(self, prefix: str, delimiter: str, after: str, limit: int) -> tuple[list[Stored], list[str], str | None]:
        """Objects and prefixes behind the name `after`, in the order of names, and the name to go on after."""
        with self._lock:
            found: list[Stored] = []
            prefixes: list[str] = []
            last = after
            start = max(
                bisect.bisect_right(self._names, after) if after else 0, bisect.bisect_left(self._names, prefix)
            )
            for name in self._names[start:]:
                if not name.startswith(prefix):
                    break
                group = _group(name, prefix, delimiter)
                if group is not None and after.startswith(group):
                    continue
                if group is not None and prefixes and prefixes[-1] == group:
                    last = name
                    continue
                if len(found) + len(prefixes) == limit:
                    return found, prefixes, last
                last = name
                if group is None:
                    found.append(self._objects[name])
                else:
                    prefixes.append(group)
            return found, prefixes, None

    def _content(self, stored: Stored) -> Path:
        return self._folder / f"{_key(stored.name)}.{stored.generation}.content"

    def _metadata(self, name: str) -> Path:
        return self._folder / f"{_key(name)}.json"

    def _write(self, stored: Stored) -> None:
        target = self._metadata(stored.name)
        fresh = target.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump(dataclasses.asdict(stored), file, ensure_ascii=False)
            file.flush()
            fsync(file.fileno())
        fresh.rename(target)
        sync_folder(self._folder)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _group(name: str, prefix: str, delimiter: str) -> str | None:
    if not delimiter:
        return None
    end = name.find(delimiter, len(prefix))
    return None if end < 0 else name[: end + len(delimiter)]


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk; a system that cannot is no reason to fail."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fsync(descriptor)
        finally:
            os.close(descriptor)


def check_name(name: str) -> None:
    """Raise 400 for a name that Cloud Storage refuses."""
    if not 1 <= len(name.encode()) <= 1024 or name in (".", "..") or "\n" in name or "\r" in name:
        raise Refusal(400, f"Invalid object name: {name!r}", "invalid")
