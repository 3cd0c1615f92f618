"""Reads the catalogue: which deployments there are, and which of them the source tree can start."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

# What the original system called the addresses of the API deployments.
ALIASES = {
    "AGENT_SERVICE_URL": "agents-api",
    "ANALYTICS_SERVICE_URL": "analytics-api",
    "BILLING_SERVICE_URL": "billing-api",
    "DASHBOARD_SERVICE_URL": "dashboard-api",
    "WIDGET_SERVICE_URL": "widgets-api",
    "WIDGETS_SERVICE_URL": "widgets-api",
    "MY_AGENTS_SERVICE_URL": "my-agents-api",
}


@dataclass(frozen=True)
class Deployment:
    """One deployment of the catalogue. `source` is its main.py, whether that exists or not."""

    name: str
    source: Path
    entry_point: str
    port: int
    callers: tuple[str, ...]
    concurrency: int
    timeout: int

    def obstacle(self) -> str | None:
        """Why this tree cannot start it, or None."""
        if not self.source.exists():
            return f"there is no {_short(self.source)}"
        try:
            names = _top_level_names(ast.parse(self.source.read_text(encoding="utf-8")))
        except SyntaxError as error:
            return f"{_short(self.source)} line {error.lineno}: {error.msg}"
        return None if self.entry_point in names else f"{_short(self.source)} has no {self.entry_point}"


@dataclass(frozen=True)
class Schedule:
    """One schedule: which deployment it calls, and where."""

    name: str
    deployment: str
    path: str


@dataclass(frozen=True)
class Plan:
    """What the catalogue says that concerns running it."""

    deployments: tuple[Deployment, ...]
    schedules: Mapping[str, Schedule]

    @staticmethod
    def read(catalogue: Path, root: Path) -> "Plan":
        """`root` is the folder that holds `functions/`. Raises KeyError or OSError for a catalogue that is none."""
        content: dict[str, Any] = yaml.load(catalogue.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        deployments = tuple(
            Deployment(
                name,
                root / "functions" / entry["folder"] / "main.py",
                entry["entry_point"],
                int(entry["port"]),
                tuple(entry["callers"]),
                int(entry["concurrency"]),
                int(entry["timeout"]),
            )
            for name, entry in content["deployments"].items()
        )
        schedules = {
            name: Schedule(name, entry["deployment"], entry["path"])
            for name, entry in (content.get("schedules") or {}).items()
        }
        return Plan(deployments, schedules)


def account(name: str, project: str) -> str:
    """The address of the service account `agenthub-<name>`."""
    return f"agenthub-{name}@{project}.iam.gserviceaccount.com"


def url_variable(deployment: str) -> str:
    """The environment variable that holds a deployment's address."""
    return f"{deployment.upper().replace('-', '_')}_URL"


def _top_level_names(module: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
