"""docs/settings.md lists every setting that the code reads, with the default that it has."""

import ast
import re
from collections.abc import Iterator

import pytest
import yaml

from functions.shared import config
from functions.shared.config import Settings
from infra import openapi
from local.supervisor import environment
from local.supervisor.addresses import EMULATOR_VARIABLES
from tests.contracts import sources

TABLES = (openapi.ROOT / "docs" / "settings.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| ", TABLES, re.MULTILINE))
SUPERVISORS = {*EMULATOR_VARIABLES.values(), "USE_BIGQUERY", "AGENTHUB_MODEL_FAULTS", "AGENTHUB_FSYNC"}
CODE = sources.modules()["functions.shared.config"].read_text("utf-8")


def read_by(function: ast.FunctionDef) -> Iterator[str]:
    """The variables that a property of Settings reads by name."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in ("_text", "_whole", "os.environ.get"):
                yield str(node.args[0].value)


def readers() -> dict[str, str]:
    """By variable, the property that reads it first."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(CODE)):
        if isinstance(node, ast.FunctionDef):
            for name in read_by(node):
                found.setdefault(name, node.name)
    return found


READERS = readers()


def test_every_setting_of_the_code_is_listed_and_nothing_else() -> None:
    seller = {f"SELLER_{name}" for name in ("NAME", "ADDRESS", "COUNTRY", "VAT_ID", "EMAIL")}
    former = {name for names in config.ALIASES.values() for name in names}
    assert len(READERS) > 30
    assert READERS.keys() | seller | former | SUPERVISORS == ROWS.keys()


def shown(name: str) -> str | None:
    """The default of a setting as the table writes it."""
    value = getattr(Settings(), READERS[name])
    if name == "TRIAL_CAP":
        value //= 10**9
    if isinstance(value, frozenset):
        value = ",".join(sorted(value))
    if value is None or value == "":
        return None
    return f"`{str(value).lower() if isinstance(value, bool) else str(value).replace('project-x', 'PROJECT')}`"


@pytest.mark.parametrize(
    "name",
    sorted(
        READERS.keys()
        - {"GOOGLE_CLOUD_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "K_SERVICE", "K_REVISION"}
        - {"INSTALLATION_KEY", "EVIDENCE_SIGNING_KEY", "WEBHOOK_SIGNING_KEY", "SELLER_NAME", "SELLER_ADDRESS"}
    ),
)
def test_a_default_is_the_codes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ROWS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT_ID", "project-x")
    assert ROWS[name] == (shown(name) or "none")


def test_the_supervisors_defaults_are_false() -> None:
    assert not environment.uses_real_bigquery({})
    assert not environment.allows_faults({})
    assert ROWS["USE_BIGQUERY"] == ROWS["AGENTHUB_MODEL_FAULTS"] == "`false`"


def test_secrets_are_said_to_be_secrets() -> None:
    lines = {line.split("`")[1]: line for line in TABLES.splitlines() if line.startswith("| `")}
    secrets = yaml.load(openapi.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)["secrets"]
    assert len(secrets) > 3
    assert [name for name, one in secrets.items() if f"secret `{name}`" not in lines[one["setting"]]] == []
