"""Reads the guides of docs/guides: their code blocks in order, and what of them a reader would run."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra import openapi

FOLDER = openapi.ROOT / "docs" / "guides"
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = ("json", "html")

RUNNER = """set -aeuo pipefail
curl() { command curl --fail-with-body "$@"; }
"""
"""Before the first block: variables reach the Python blocks, and the first refusal ends the guide with its answer."""


@dataclass(frozen=True)
class Block:
    """One fenced block. After the language may stand `refused` (each call in it is meant to be) or `file=NAME`."""

    number: int
    language: str
    mark: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether a reader runs it; a block with a file is a program that is kept and only compiled here."""
        return self.language in ("sh", "python") and not self.mark.startswith("file=")

    def command(self, folder: Path) -> str:
        """What bash runs for it. A Python block is a file in `folder`, run with what the blocks before have set."""
        if self.language == "sh":
            # In a group, not in a subshell: what it sets is there for the next one.
            return f"{{\n{self.text}}}\n" if self.mark != "refused" else f"unset -f curl\n{self.text}\n{RUNNER}"
        path = folder / f"block_{self.number}.py"
        path.write_text(self.text, encoding="utf-8")
        return f"python3 {path.name}\n"


@dataclass(frozen=True)
class Guide:
    """One file of the folder."""

    path: Path

    @cached_property
    def blocks(self) -> list[Block]:
        """Every fenced block, in order. Raises ValueError for a language that nobody checks."""
        found = []
        for number, (info, text) in enumerate(_FENCE.findall(self.path.read_text("utf-8"))):
            language, _, mark = info.partition(" ")
            if language not in ("sh", "python", *_SHOWN):
                raise ValueError(
                    f"{self.path.name}: block {number} is {info!r}: sh, python, json or html can be checked"
                )
            found.append(Block(number, language, mark, text))
        return found

    def script(self, folder: Path) -> str:
        """The whole guide as one bash script, which says before each block which one it is."""
        parts = [RUNNER]
        for block in self.blocks:
            if block.runs:
                parts.append(f"echo; echo '== block {block.number}'\n{block.command(folder)}")
        return "\n".join(parts)

    def answers(self) -> list[tuple[int, set[str]]]:
        """For each JSON that is shown: the number of the block before it, and the names that its answer must have."""
        return [(b.number - 1, names(json.loads(b.text))) for b in self.blocks if b.language == "json"]


def every() -> list[Guide]:
    """All guides, by name."""
    return [Guide(path) for path in sorted(FOLDER.glob("*.md"))]


def names(value: object) -> set[str]:
    """All names of members of a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*map(names, value.values()))
    return set().union(*map(names, value)) if isinstance(value, list) else set()


def outputs(printed: str) -> dict[int, str]:
    """What each block printed, by its number."""
    parts = re.split(r"^== block (\d+)\n", printed, flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}
