"""The files of many agents at once, as the wizard has them: each comes or says why not, however large they are together."""

import base64
import random

import pytest

from functions.my_agents import bulk
from functions.my_agents.models import Bulk
from functions.shared import contracts, ids
from tests.cloud import Cloud
from tests.functions.google import google_of_package
from tests.functions.my_agents.wizard import Wizard, wizard
from tests.functions.rooms import Room, agent, content, lose_answer, write
from tests.functions.shared.http import callers

__all__ = ["google_of_package", "wizard"]


def test_files_are_exported_for_each_agent_and_the_answer_is_kept(
    wizard: type[Wizard], room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "EXPORTED_AT_ONCE", 3)
    # Together more than a document holds, so the answer is kept packed.
    wizard.file = "name: {name}\n" + "# a long comment\n" * 12_000
    workspace = wizard.workspace
    someone = callers.person("member", workspace)
    names = [agent(workspace, name=f"Agent {number}") for number in range(7)]
    gone = agent(workspace)
    service_call = {"action": "export", "ids": [*names, gone, ids.new("agent")]}
    write(contracts.path(workspace, "fleet", gone), {"status": "paused", "deleted_at": ids.clock.now()})
    answer = room.ask("POST", "/api/my-agents/bulk", someone, service_call, key="e1")
    found = content(answer)
    assert [one["outcome"] for one in found["outcomes"]] == ["done"] * 7 + ["refused"] * 2
    assert [one["yaml"].splitlines()[0] for one in found["outcomes"][:7]] == [f"name: Agent {n}" for n in range(7)]
    assert sorted(len(body["agents"]) for body in wizard.asked) == [2, 3, 3]
    assert content(room.ask("POST", "/api/my-agents/bulk", someone, service_call, key="e1")) == found
    assert len(wizard.asked) == 3


def test_an_export_that_no_document_holds_is_answered_again(wizard: type[Wizard], room: Room) -> None:
    someone = callers.person("member", wizard.workspace)
    names = [agent(wizard.workspace, name=f"Agent {number}") for number in range(9)]
    # 2.7 MB that do not become smaller.
    wizard.file = "name: {name}\n# " + base64.b64encode(random.Random(1).randbytes(225_000)).decode() + "\n"
    body = {"action": "export", "ids": names}
    first = room.ask("POST", "/api/my-agents/bulk", someone, body, key="e2")
    assert len(first.data) > 2_600_000
    asked = len(wizard.asked)
    again = room.ask("POST", "/api/my-agents/bulk", someone, body, key="e2")
    assert (again.status_code, again.data) == (200, first.data)
    assert len(wizard.asked) == asked
    lose_answer(someone, "e2")
    assert room.ask("POST", "/api/my-agents/bulk", someone, body, key="e2").data == first.data


def test_a_wizard_that_is_down_fails_the_export_and_a_full_answer_leaves_the_rest(
    wizard: type[Wizard], cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [agent(wizard.workspace, name=f"Agent {number}") for number in range(3)]
    monkeypatch.setattr(bulk, "MOST_EXPORTED_BYTES", 30)
    call = cloud.call(wizard.workspace, claims={"sub": "uid1"})
    found = bulk.run(call, Bulk(action="export", ids=names)).outcomes
    assert [(one.outcome, one.code) for one in found] == [
        ("done", None),
        ("done", None),
        ("failed", "export_too_large"),
    ]
    wizard.down = True
    found = bulk.run(call, Bulk(action="export", ids=names)).outcomes
    assert {(one.outcome, one.code) for one in found} == {("failed", "unavailable")}
