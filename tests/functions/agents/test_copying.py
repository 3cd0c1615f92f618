"""A copy is whole or not there: with draft, file and knowledge, once for each key, also after a crash on the way."""

from datetime import timedelta

import pytest

from functions.agents import copying, repository
from functions.agents.copying import NewCopy
from functions.agents.models import KnowledgeState
from functions.shared import clock, contracts, firestore, ids
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents import files
from tests.functions.agents.studio import Studio
from tests.functions.rooms import lose_answer

FILE = """# our receptionist
name:   Mia    # short for Maria
industry: dental
goals: [ make appointments ]
model: {provider: offline, id: offline-extractive}
"""


def found(studio: Studio, agent: str, question: str) -> list[dict]:
    return studio.ask("POST", f"/api/agents/{agent}/knowledge/search", {"question": question}).body["items"]


@pytest.fixture
def agent(studio: Studio) -> str:
    """An agent with a file, a version and three items of knowledge."""
    made = studio.ask("POST", "/api/agents/import", FILE).body["id"]
    studio.ask("POST", f"/api/agents/{made}/publish")
    for body in (
        {"kind": "qa", "title": "Q", "pairs": [{"question": "Is there a lift?", "answer": "Yes, a lift and a ramp."}]},
        {"kind": "markdown", "title": "Prices", "text": "# Prices\n\nA cleaning costs 89 dollars."},
        {"kind": "html", "title": "Site", "text": files.PAGE},
    ):
        assert studio.ask("POST", f"/api/agents/{made}/knowledge", body).status == 201
    return str(made)


def test_a_copy_has_the_test_cases_and_none_of_their_runs(studio: Studio, agent: str):
    path = f"/api/agents/{agent}/checks"
    cases = {"cases": [{"id": "lift", "question": "Is there a lift?", "must": ["ramp"]}]}
    assert studio.ask("PUT", path, cases, etag=studio.get(path).etag).status == 200
    copy = studio.ask("POST", f"/api/agents/{agent}/copy").body["id"]
    shown = studio.get(f"/api/agents/{copy}/checks").body
    assert shown["cases"] == studio.get(path).body["cases"]
    assert (shown["run_id"], shown["up_to_date"]) == (None, False)
    refused = studio.ask("POST", f"/api/agents/{copy}/publish")
    assert (refused.status, refused.body["code"]) == (409, "checks_not_run")


def test_a_copy_has_draft_file_and_knowledge_and_a_life_of_its_own(studio: Studio, agent: str):
    made = studio.ask("POST", f"/api/agents/{agent}/copy", {"name": "Mia two"})
    assert made.status == 201, made.body
    copy = made.body["id"]
    assert made.headers["Location"] == f"/api/agents/{copy}"
    assert (made.body["name"], made.body["published"], made.body["knowledge"]["items"]) == ("Mia two", None, 3)
    read = studio.get(f"/api/agents/{copy}")
    assert (read.body, read.etag) == (made.body, made.etag)
    # The file is the same but for its name.
    text = studio.get(f"/api/agents/{copy}/config").content.decode()
    assert text.splitlines()[2:] == FILE.splitlines()[2:]
    assert text.splitlines()[1].startswith("name: Mia two")
    original = studio.get(f"/api/agents/{agent}/knowledge").body["items"]
    copied = studio.get(f"/api/agents/{copy}/knowledge").body["items"]
    assert copied == original
    assert all(item["embedded"] for item in copied)
    assert found(studio, copy, "What does a cleaning cost?") == found(studio, agent, "What does a cleaning cost?")
    one = f"/api/agents/{copy}/knowledge/{copied[0]['id']}"
    assert studio.ask("DELETE", one, etag=studio.get(one).etag).status == 204
    assert found(studio, copy, "Is there a lift?") == []
    assert found(studio, agent, "Is there a lift?")[0]["cosine"] is not None
    assert repository.copies(studio.workspace, clock.now() + timedelta(days=1), 10) == []


def test_a_copy_without_a_name_or_knowledge_says_that_it_is_one(studio: Studio):
    made = studio.ask("POST", f"/api/agents/{studio.agent(name='x' * 80).body['id']}/copy", {})
    assert (made.status, made.body["name"]) == (201, "x" * 70 + " (copy)")
    assert studio.ask("POST", f"/api/agents/{ids.new('agent')}/copy", {}).status == 404
    assert studio.ask("POST", f"/api/agents/{made.body['id']}/copy", {"name": " "}).status == 422


def test_a_repeat_finds_the_copy_also_when_the_answer_was_lost(studio: Studio, agent: str):
    first = studio.ask("POST", f"/api/agents/{agent}/copy", {}, Idempotency_Key="once")
    assert studio.ask("POST", f"/api/agents/{agent}/copy", {}, Idempotency_Key="once").body == first.body
    lose_answer(studio.someone, "once")
    again = studio.ask("POST", f"/api/agents/{agent}/copy", {}, Idempotency_Key="once")
    assert (again.status, again.body) == (201, first.body)
    assert len(studio.get("/api/agents").body["items"]) == 2


class Crash(BaseException):
    """The process dies."""


def crash_at(monkeypatch: pytest.MonkeyPatch, commit: int) -> None:
    """Die instead of this commit, counted from 1."""
    done = [0]
    real = firestore.Batch.commit

    def dying(batch: firestore.Batch) -> dict[str, str]:
        done[0] += len(batch) > 0
        if done[0] == commit:
            raise Crash
        return real(batch)

    monkeypatch.setattr(firestore.Batch, "commit", dying)


def documents(workspace: WorkspaceId, agent: str) -> dict[str, dict]:
    below = [
        *(item.path for item in repository.items(workspace, agent)),
        *(repository.chunk_path(workspace, agent, name) for name in repository.chunk_ids(workspace, agent)),
    ]
    return {one.path.partition(agent)[2]: one.data for one in repository.read(*below)} if below else {}


@pytest.mark.parametrize("commit", [2, 3, 4, 5])
def test_after_a_crash_at_any_commit_a_repeat_makes_the_copy_whole(
    studio: Studio, agent: str, cloud: Cloud, commit: int, monkeypatch: pytest.MonkeyPatch
):
    # Small commits, so that there are several.
    monkeypatch.setattr(copying, "_COMMIT_WRITES", 2)
    call = cloud.call(studio.workspace, key="crash")
    with monkeypatch.context() as dying:
        crash_at(dying, commit)
        with pytest.raises(Crash):
            copying.copy(call, agent, NewCopy())
    # Nobody meets what is not whole.
    assert [one["id"] for one in studio.get("/api/agents").body["items"]] == [agent]
    assert len(repository.copies(studio.workspace, clock.now() + timedelta(days=1), 10)) == 1
    # Meanwhile the agent has forgotten an item and learned another one.
    gone = studio.get(f"/api/agents/{agent}/knowledge").body["items"][0]["id"]
    one = f"/api/agents/{agent}/knowledge/{gone}"
    assert studio.ask("DELETE", one, etag=studio.get(one).etag).status == 204
    made, _ = copying.copy(call, agent, NewCopy())
    present = KnowledgeState.model_validate(
        firestore.get(contracts.path(studio.workspace, "agents", agent)).data["knowledge"]
    )
    assert made.knowledge == present
    assert documents(studio.workspace, made.id) == documents(studio.workspace, agent)
    assert repository.copies(studio.workspace, clock.now() + timedelta(days=1), 10) == []


def test_a_copy_that_was_given_up_is_cleared_away(
    studio: Studio, agent: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
):
    call = cloud.call(studio.workspace, key="given up")
    with monkeypatch.context() as dying:
        crash_at(dying, 4)
        with pytest.raises(Crash):
            copying.copy(call, agent, NewCopy())
    left = call.new_id("agent")
    assert documents(studio.workspace, left)
    assert copying.sweep(studio.workspace, clock.now()) == 0
    assert copying.sweep(studio.workspace, clock.now() + timedelta(hours=2)) == 1
    assert documents(studio.workspace, left) == {}
    assert copying.sweep(studio.workspace, clock.now() + timedelta(hours=2)) == 0


def test_knowledge_that_changes_while_it_is_copied_is_copied_as_it_is_then(
    studio: Studio, agent: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
):
    call = cloud.call(studio.workspace)
    real, learned = repository.items, []

    def items_and_one_more(workspace: WorkspaceId, name: str) -> list[firestore.Snapshot]:
        listed = real(workspace, name)
        if name == agent and not learned:
            learned.append(0)
            body = {"kind": "text", "title": "New", "text": "We have moved to Mill Lane."}
            learned.append(studio.ask("POST", f"/api/agents/{agent}/knowledge", body).status)
        return listed

    with monkeypatch.context() as patch:
        patch.setattr(repository, "items", items_and_one_more)
        made, _ = copying.copy(call, agent, NewCopy())
    assert learned == [0, 201]
    assert made.knowledge.items == 4
    assert documents(studio.workspace, made.id).keys() <= documents(studio.workspace, agent).keys()
    assert found(studio, made.id, "Have you moved, is it Mill Lane?")[0]["title"] == "New"


def test_files_of_many_agents_are_given_at_once(studio: Studio, agent: str):
    other = studio.agent(name="Other").body["id"]
    wanted = [other, ids.new("agent"), "nonsense", agent, other]
    answer = studio.ask("POST", "/api/agents/export", {"agents": wanted})
    assert answer.status == 200, answer.body
    assert [(one["id"], one["name"]) for one in answer.body["items"]] == [(other, "Other"), (agent, "Mia")]
    assert answer.body["items"][1]["yaml"] == FILE
    assert answer.body["items"][0]["yaml"] == studio.get(f"/api/agents/{other}/config").content.decode()
    assert studio.ask("POST", "/api/agents/export", {"agents": []}).status == 422
