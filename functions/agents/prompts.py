"""Composes the system prompt from a definition, section by section, always the same for the same definition."""

from collections.abc import Iterable
from dataclasses import dataclass

from functions.agents.models import Definition


@dataclass(frozen=True)
class Section:
    """One part of the prompt; `name` is what the wizard calls it."""

    name: str
    text: str


@dataclass(frozen=True)
class Prompt:
    """The whole system prompt."""

    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """As the model reads it."""
        return "\n\n".join(section.text for section in self.sections)


def compose(definition: Definition) -> Prompt:
    """The prompt of an agent. Empty answers of the wizard leave no empty section."""
    return Prompt(tuple(Section(name, text) for name, text in _sections(definition) if text))


def _sections(definition: Definition) -> Iterable[tuple[str, str]]:
    business = definition.business
    yield "role", f"You are {definition.name}, the AI assistant of {business.name or 'this business'}."
    yield "goals", _listed("Your goals:", definition.goals)


def _listed(head: str, lines: Iterable[str]) -> str:
    items = "\n".join(f"- {line}" for line in lines)
    return f"{head}\n{items}" if items else ""
