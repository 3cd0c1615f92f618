"""Each outside thing has one home: the environment, the clock, ids and Google's clients; and ruff really guards them."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.contracts.sources import ROOT, imported, modules, tree

HOMES = {
    "os.environ": {"functions.shared.config"},
    "os.getenv": {"functions.shared.config"},
    "google.cloud.firestore": {"functions.shared.firestore"},
    "google.cloud.firestore_v1": {"functions.shared.firestore"},
    "google.cloud.bigquery": {"functions.shared.bigquery"},
    "google.cloud.storage": {"functions.shared.storage"},
    "google.cloud.pubsub_v1": {"functions.shared.events"},
    "datetime.datetime.now": {"functions.shared.clock"},
    "datetime.datetime.utcnow": {"functions.shared.clock"},
    "datetime.datetime.today": {"functions.shared.clock"},
    "datetime.date.today": {"functions.shared.clock"},
    "time.time": {"functions.shared.clock"},
    "time.time_ns": {"functions.shared.clock"},
    "uuid.uuid4": {"functions.shared.ids"},
    "stripe": {"functions.billing.cards"},
}
"""Banned name → the modules that may use it. Ruff lets a home off all its bans; the test below lets it off its own."""

PLANTED = [
    "import os\nhome = os.environ['HOME']\n",
    "from os import environ\n",
    "import os\nhome = os.getenv('HOME')\n",
    "from google.cloud import firestore\n",
    "from google.cloud.firestore_v1 import FieldFilter\n",
    "import google.cloud.bigquery\n",
    "from google.cloud import storage\n",
    "from google.cloud import pubsub_v1\n",
    "def f() -> None:\n    from google.cloud import firestore\n\n    firestore.Client()\n",
    "from datetime import UTC, datetime\n\nnow = datetime.now(UTC)\n",
    "import datetime as dt\n\nnow = dt.datetime.now(dt.UTC)\n",
    "from datetime import date\n\ntoday = date.today()\n",
    "import time\n\nnow = time.time()\n",
    "from time import time\n",
    "import time\n\nnow = time.time_ns()\n",
    "from uuid import uuid4\n",
    "import stripe\n",
]


def complaints(source: str, path: str) -> set[str]:
    """The codes of what ruff, as the project configures it, has against a file of this content at this path."""
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", "--stdin-filename", path, "-"],
        input=source,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert found.returncode in (0, 1), found.stderr
    return {line.split()[1] for line in found.stdout.splitlines() if line.startswith(path)}


@pytest.mark.parametrize("source", PLANTED)
def test_ruff_catches_a_planted_violation(source: str) -> None:
    assert "TID251" in complaints(source, "functions/agents/planted.py")


def test_ruff_lets_an_honest_module_pass() -> None:
    source = "from functions.shared import clock\n\nmoment = clock.now()\n"
    assert "TID251" not in complaints(source, "functions/agents/planted.py")


def test_ruff_bans_what_has_a_home_and_lets_off_only_the_homes() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert set(config["flake8-tidy-imports"]["banned-api"]) == set(HOMES)
    let_off = {path for path, codes in config["per-file-ignores"].items() if "TID251" in codes}
    homes = {Path(*name.split(".")).with_suffix(".py").as_posix() for names in HOMES.values() for name in names}
    assert {path for path in let_off if path.startswith("functions/")} == homes


def used(module: ast.Module) -> set[str]:
    """Dotted names that a module imports or reads as attributes of what it imports."""
    names = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.partition(".")[0]: alias.asname and alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found = imported(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in names:
                found.add(f"{names[first] or first}.{rest}")
    return found


@pytest.mark.parametrize("module", sorted(modules()))
def test_a_module_touches_only_what_it_is_the_home_of(module: str) -> None:
    names = used(tree(module))
    for banned, homes in HOMES.items():
        if any(name == banned or name.startswith(f"{banned}.") for name in names):
            assert module in homes, f"{module} uses {banned}"
    clients = {home for banned, homes in HOMES.items() if banned.startswith("google.cloud.") for home in homes}
    if any(name.startswith("google.cloud.") for name in names):
        assert module in clients, f"{module} uses a client of Google's"


@pytest.mark.parametrize("source", PLANTED)
def test_the_check_of_the_homes_finds_each_kind(source: str) -> None:
    names = used(ast.parse(source))
    assert any(name == banned or name.startswith(f"{banned}.") for name in names for banned in HOMES)


def test_nothing_deployed_follows_another_clock() -> None:
    callers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("functions", "infra")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "clock.follow(" in path.read_text("utf-8")
    ]
    assert callers == []
