"""Who lives in the demo's data, read from cast.yaml: the agents with their visitors' questions and their answers."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_PATH = Path(__file__).with_name("cast.yaml")


@dataclass(frozen=True)
class Topic:
    """What visitors ask in several ways, and what the agent's knowledge says to it."""

    title: str
    questions: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Agent:
    """One agent of the agency; see cast.yaml for what its fields mean."""

    name: str
    business: str
    industry: str
    languages: tuple[str, ...]
    model: str
    weight: float
    joins: float
    hours: str
    quality: tuple[float, ...]
    tags: tuple[str, ...]
    api: bool = False
    topics: dict[str, tuple[Topic, ...]] = field(default_factory=dict)

    @property
    def site(self) -> str:
        """The origin of the business's page."""
        words = self.business.lower().replace("&", "and").split()
        return f"https://www.{'-'.join(words)}.example"


@dataclass(frozen=True)
class Cast:
    """Everybody."""

    workspace: dict[str, str]
    people: dict[str, dict[str, str]]
    profile: dict[str, Any]
    agents: tuple[Agent, ...]
    talk: dict[str, dict[str, Any]]
    names: tuple[str, ...]


@cache
def read() -> Cast:
    """The cast, agents in the order in which they are made."""
    found = yaml.safe_load(_PATH.read_text(encoding="utf-8"))
    topics = {
        industry: {
            language: tuple(Topic(one["title"], tuple(one["q"]), one["a"]) for one in several)
            for language, several in by_language.items()
        }
        for industry, by_language in found["topics"].items()
    }
    agents = [_agent(one, topics[one["industry"]]) for one in found["agents"]]
    return Cast(
        workspace=found["workspace"],
        people=found["people"],
        profile=found["profile"],
        agents=tuple(sorted(agents, key=lambda agent: agent.joins)),
        talk=found["talk"],
        names=tuple(found["names"]),
    )


def _agent(known: dict[str, Any], topics: dict[str, tuple[Topic, ...]]) -> Agent:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    return Agent(**fields, topics={language: topics[language] for language in known["languages"]})
