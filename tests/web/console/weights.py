"""What each page of the console makes a browser load: scripts, followed through the build's manifest."""

import json
from dataclasses import dataclass
from typing import Any

from infra import web

FIRST_LOAD = 120_000
ROUTE = 40_000
EDITOR = 130_000
"""Bytes of script under gzip (design: first load, each further route, the YAML editor apart)."""


@dataclass(frozen=True)
class Weights:
    """Bytes under gzip level 9: the first load, then what each further part adds, by its source file."""

    first: int
    further: dict[str, int]


def limit(source: str) -> int:
    """What a part that is fetched later may weigh."""
    return EDITOR if source.startswith("src/editor/") else ROUTE


def read() -> Weights:
    """The weights of the build that is in dist/console."""
    parts: dict[str, dict[str, Any]] = json.loads((web.FrontEnd("console").output / "manifest.json").read_text())
    entry = next(name for name, part in parts.items() if part.get("entry") and part.get("source") == "index.html")
    first = _together(parts, entry)
    # A page's part has its source's name; pieces that several share have none and count with who needs them.
    lazy = [name for name, part in parts.items() if part.get("source") and not part.get("entry")]
    further = {
        parts[name]["source"]: _weight(parts, _together(parts, name) - first - _before(parts, name)) for name in lazy
    }
    return Weights(_weight(parts, first), further)


def _before(parts: dict[str, dict[str, Any]], name: str) -> set[str]:
    """What is there in any case when a part is asked for: what all have in common that ask for it."""
    asking = [_together(parts, one) for one, part in parts.items() if name in part.get("dynamic", [])]
    return set.intersection(*asking) if asking else set()


def _together(parts: dict[str, dict[str, Any]], name: str) -> set[str]:
    """A script and everything that it cannot run without."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [more for more in parts[one].get("imports", []) if more in parts]
    return found


def _weight(parts: dict[str, dict[str, Any]], names: set[str]) -> int:
    return sum(int(parts[name]["gzip"]) for name in names if name.endswith(".js"))
