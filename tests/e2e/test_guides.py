"""Each guide is run as it is written, from its first block to its last, in bash and Python on a running stack."""

import os
import re
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.e2e import guides
from tests.e2e.client import Client, until
from tests.e2e.guides import Guide
from tests.e2e.stack import Stack

pytestmark = pytest.mark.timeout(240)
GUIDES = guides.every()
BY_NAME = pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.path.stem)
PASSWORD = "correct horse battery staple"


class Tags(HTMLParser):
    """The tags of a piece of HTML with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def variables(stack: Stack) -> dict[str, str]:
    """What a reader has before the first block: a published agent that has answered, a widget, an invoice, a key."""
    return _practice(stack)


def _practice(stack: Stack) -> dict[str, str]:
    owner = Client(stack.gateway)
    owner.sign_up(f"{uuid.uuid4().hex[:10]}@example.com", PASSWORD)
    workspace = owner.ask("POST", "/api/workspaces", {"name": "Linden Dental", "country": "US"}).json()["id"]
    owner.refresh()
    new = {"name": "Mia", "industry": "dental", "business": {"name": "Linden Dental"}}
    agent = owner.ask("POST", "/api/agents", new).json()["id"]
    prices = "# Prices\n\n## Cleaning\nA professional cleaning costs 89 euros and takes 45 minutes."
    item = {"kind": "markdown", "title": "Price list", "text": prices}
    owner.ask("POST", f"/api/agents/{agent}/knowledge", item)
    owner.ask("POST", f"/api/agents/{agent}/publish")
    status = f"/api/my-agents/{agent}/status"
    owner.ask("PUT", status, {"status": "active"}, If_Match=owner.etag(status))
    for _ in range(2):
        owner.ask("POST", f"/api/agents/{agent}/chat", {"message": "What does a professional cleaning cost?"})
    widget = owner.ask("POST", "/api/widgets", {"agent_id": agent, "allowed_origins": ["http://localhost:8090"]})
    key = owner.ask("POST", "/api/workspace/api-keys", {"name": "Test", "scopes": ["read", "chat"]}).json()
    _invoice(stack, owner)
    return {
        "API": stack.gateway,
        "TOKEN": owner.token,
        "OPERATOR": _operator(stack),
        "WORKSPACE": workspace,
        "AGENT": agent,
        "WIDGET": widget.json()["id"],
        "KEY": key["id"],
        "SECRET": key["secret"],
    }


def _invoice(stack: Stack, owner: Client) -> None:
    """Close the running month and make its invoice final."""
    until(30, lambda: owner.get("/api/billing/usage")["total"]["messages"] == 2)
    close = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=10, second=0)
    for wanted, moment in (("draft", close), ("open", close + timedelta(days=1))):
        stack.tick("billing-close", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        until(60, lambda state=wanted: [i for i in owner.get("/api/invoices")["items"] if i["state"] == state])


def _operator(stack: Stack) -> str:
    operator, email = Client(stack.gateway), f"{uuid.uuid4().hex[:10]}@example.com"
    operator.sign_up(email, PASSWORD)
    stack.operator(email)
    operator.refresh()
    return operator.token


@BY_NAME
def test_each_command_of_the_guide_works(guide: Guide, variables: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "guide.sh"
    script.write_text(guide.script(tmp_path), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", script.name],
        cwd=tmp_path,
        env={**os.environ, **variables, "PATH": path, "NO_PROXY": "localhost,127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    printed = guides.outputs(done.stdout)
    assert printed.keys() == {block.number for block in guide.blocks if block.runs}
    for number, wanted in guide.answers():
        assert {name for name in wanted if f'"{name}"' not in printed[number]} == set(), printed[number]
    for block in guide.blocks:
        if block.mark == "refused":
            assert '"code"' in printed[block.number], printed[block.number]


@BY_NAME
def test_a_program_that_is_kept_can_be_compiled(guide: Guide) -> None:
    named = [block for block in guide.blocks if block.mark.startswith("file=")]
    for block in named:
        assert block.language == "python"
        assert compile(block.text, block.mark, "exec")
    assert all(block.mark.removeprefix("file=") in block.text for block in named)


@BY_NAME
def test_html_is_a_script_tag_that_the_widgets_loader_understands(guide: Guide) -> None:
    for block in guide.blocks:
        if block.language == "html":
            tags = Tags(block.text).found
            assert [tag for tag, _ in tags] == ["script"]
            assert str(tags[0][1]["src"]).endswith("/v1/widget.js")
            assert "data-widget" in tags[0][1]


@BY_NAME
def test_the_readme_leads_to_the_guide_and_its_links_lead_somewhere(guide: Guide) -> None:
    readme = (guides.FOLDER.parent.parent / "README.md").read_text("utf-8")
    assert f"docs/guides/{guide.path.name}" in readme
    for target in re.findall(r"\]\(([^)#:\s]+)[)#]", guide.path.read_text("utf-8")):
        assert (guides.FOLDER / target).exists(), target


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ("```sh\nX=1\n```\n```python\nimport os\nassert os.environ['X'] == '1'\n```\n", False),
        ("```sh\nfalse\ntrue\n```\n", True),
        ("```sh\ncurl -sS file:///not/there > answer\n```\n", True),
        ("```sh\nX=$(curl -sS file:///not/there | cat)\n```\n", True),
        ("```python\nassert False\n```\n", True),
    ],
)
def test_a_command_that_fails_is_found(tmp_path: Path, text: str, fails: bool) -> None:
    guide = Guide(tmp_path / "guide.md")
    guide.path.write_text(text, encoding="utf-8")
    done = subprocess.run(["bash", "-c", guide.script(tmp_path)], cwd=tmp_path, capture_output=True, check=False)
    assert bool(done.returncode) is fails


def test_a_block_that_nobody_checks_is_not_taken(tmp_path: Path) -> None:
    guide = Guide(tmp_path / "guide.md")
    guide.path.write_text("```\nls\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match="block 0"):
        assert guide.blocks
