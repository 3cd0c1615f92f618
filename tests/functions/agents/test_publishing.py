"""Versions: numbered, never changed, compared and gone back to; a pipeline may run again and again."""

import pytest

from functions.agents import publishing
from functions.agents.models import Agent
from functions.shared import clock, contracts, events, firestore
from functions.shared.contracts import AgentRead
from functions.shared.errors import Unavailable
from tests.cloud import Cloud
from tests.functions.agents.studio import Answered, Studio
from tests.functions.rooms import lose_answer

FILE = "# pipeline\nname: Mia\nindustry: dental\nmodel: {provider: offline, id: offline-extractive}\n"


def change(studio: Studio, path: str, **patch) -> Answered:
    answer = studio.ask("PATCH", path, patch, etag=studio.get(path).etag)
    assert answer.status == 200, answer.body
    return answer


def stored(studio: Studio, path: str) -> dict:
    return firestore.get(contracts.path(studio.workspace, "agents", path.rsplit("/", 1)[-1])).data


def test_publishing_makes_the_draft_what_visitors_meet(studio: Studio):
    path = f"/api/agents/{studio.agent(greeting='Hi there').body['id']}"
    published = studio.ask("POST", f"{path}/publish")
    assert (published.status, published.body["number"]) == (200, 1)
    shown = studio.get(path)
    assert shown.etag == published.etag
    assert shown.body["published"] == {"id": published.body["id"], "number": 1}
    assert not shown.body["unpublished_changes"]
    agent, read = Agent.model_validate(stored(studio, path)), AgentRead.model_validate(stored(studio, path))
    assert agent.published == agent.draft
    assert agent.published_prompt.startswith("# Your role")
    assert (read.published_name, read.published_greeting, read.published_number) == ("Mia", "Hi there", 1)
    assert read.published_questions


def test_publishing_shows_widgets_when_a_person_can_be_reached(studio: Studio):
    hours = {"time_zone": "Europe/Berlin", "monday": ["09:00-12:00", "18:00-02:00"]}
    answers = {
        "business": {"name": "Smile", "hours": hours},
        "hand_off": {"away_message": "We are asleep."},
        "leads": {"enabled": True},
    }
    path = f"/api/agents/{studio.agent(**answers).body['id']}"
    studio.ask("POST", f"{path}/publish")
    read = AgentRead.model_validate(stored(studio, path))
    assert read.published_hours is not None
    assert (read.published_hours.time_zone, read.published_hours.monday) == (
        "Europe/Berlin",
        ("09:00-12:00", "18:00-02:00"),
    )
    assert (read.published_hours.tuesday, read.published_hand_off_away, read.published_leads) == (
        (),
        "We are asleep.",
        True,
    )
    change(studio, path, business={"hours": None})
    studio.ask("POST", f"{path}/publish")
    assert AgentRead.model_validate(stored(studio, path)).published_hours is None


def test_each_publication_is_told_to_the_rooms_that_copied_something_of_the_agent(studio: Studio, cloud: Cloud):
    agent = studio.agent(languages=["de", "fr"]).body["id"]
    path = f"/api/agents/{agent}"
    first = studio.ask("POST", f"{path}/publish").body["id"]
    assert AgentRead.model_validate(stored(studio, path)).published_languages == ("de", "fr")
    change(studio, path, name="Maya")
    second = studio.ask("POST", f"{path}/publish").body["id"]
    back = studio.ask("POST", f"{path}/rollback", {"version": first}).body["id"]
    told = cloud.published("agent-published", studio.workspace)
    assert {(row["agent_id"], row["version_id"]) for row in told} == {
        (agent, version) for version in (first, second, back)
    }
    assert [one for one in events.unsent_before(clock.now()) if one.workspace == studio.workspace] == []


def test_nothing_new_is_nothing_to_publish(studio: Studio):
    path = f"/api/agents/{studio.agent().body['id']}"
    studio.ask("POST", f"{path}/publish")
    again = studio.ask("POST", f"{path}/publish")
    assert (again.status, again.code) == (409, "nothing_to_publish")
    change(studio, path, name="Maya")
    change(studio, path, name="Mia")
    assert studio.ask("POST", f"{path}/publish").code == "nothing_to_publish"


def test_publishing_a_draft_that_somebody_changed_meanwhile_is_refused(studio: Studio):
    agent = studio.agent()
    path = f"/api/agents/{agent.body['id']}"
    change(studio, path, name="Maya")
    assert studio.ask("POST", f"{path}/publish", etag=agent.etag).status == 412
    assert studio.get(f"{path}/versions").body["items"] == []


def test_a_prompt_that_is_composed_better_now_may_be_published_without_a_change(studio: Studio):
    path = f"/api/agents/{studio.agent().body['id']}"
    studio.ask("POST", f"{path}/publish")
    batch = firestore.Batch()
    document = contracts.path(studio.workspace, "agents", path.rsplit("/", 1)[-1])
    batch.update(document, {("published_prompt",): "of an older release"})
    batch.commit()
    assert studio.ask("POST", f"{path}/publish").body["number"] == 2


def test_versions_are_listed_read_compared_and_gone_back_to(studio: Studio):
    path = f"/api/agents/{studio.agent().body['id']}"
    first = studio.ask("POST", f"{path}/publish").body
    change(studio, path, tone="calm", goals=["only this"])
    second = studio.ask("POST", f"{path}/publish").body
    change(studio, path, tone="formal")

    listed = studio.get(f"{path}/versions?page_size=1").body
    assert [v["number"] for v in listed["items"]] == [2]
    rest = studio.get(f"{path}/versions?page_size=1&page_token={listed['next_page_token']}").body
    assert [v["number"] for v in rest["items"]] == [1]
    assert rest["next_page_token"] is None

    read = studio.get(f"{path}/versions/{first['id']}")
    whole = read.body
    assert studio.ask("GET", f"{path}/versions/{first['id']}", If_None_Match=read.etag).status == 304
    assert whole["definition"]["tone"] == "warm"
    assert "name: Mia" in whole["yaml"]
    assert whole["prompt"].startswith("# Your role")

    diff = studio.get(f"{path}/versions/{second['id']}/diff").body
    assert diff["against"] == first["id"]
    assert [(s["section"], c["field"]) for s in diff["sections"] for c in s["changes"]] == [
        ("behaviour", "tone"),
        ("behaviour", "goals"),
    ]
    draft = studio.get(f"{path}/versions/{second['id']}/diff?against=draft").body
    assert draft["sections"][0]["changes"][0]["before"] == "formal"
    assert studio.get(f"{path}/versions/{first['id']}/diff").body == {
        "version": first["id"],
        "against": None,
        "sections": [],
    }

    back = studio.ask("POST", f"{path}/rollback", {"version": first["id"]})
    assert (back.body["number"], back.body["rolled_back_to"]) == (3, 1)
    agent = Agent.model_validate(stored(studio, path))
    assert agent.published is not None
    assert agent.published.tone == "warm"
    assert agent.published_prompt == whole["prompt"]
    assert agent.draft.tone == "formal"
    assert studio.ask("POST", f"{path}/rollback", {"version": first["id"]}).code == "nothing_to_publish"
    assert studio.get(f"{path}/versions/{first['id']}").body == whole


def test_a_publication_whose_answer_was_lost_is_found_by_its_repeat(studio: Studio, cloud: Cloud):
    agent = studio.agent().body["id"]
    path = f"/api/agents/{agent}"
    first = studio.ask("POST", f"{path}/publish", Idempotency_Key="p1")
    lose_answer(studio.someone, "p1")
    again = studio.ask("POST", f"{path}/publish", Idempotency_Key="p1")
    assert (again.status, again.body, again.etag) == (200, first.body, first.etag)
    # What is written since waits for a publication of its own.
    change(studio, path, name="Maya")
    lose_answer(studio.someone, "p1")
    assert studio.ask("POST", f"{path}/publish", Idempotency_Key="p1").body == first.body
    assert studio.get(path).body["unpublished_changes"]
    assert [one["number"] for one in studio.get(f"{path}/versions").body["items"]] == [1]
    assert len(cloud.published("agent-published", studio.workspace)) == 1
    assert studio.ask("POST", f"{path}/publish", Idempotency_Key="p2").body["number"] == 2


def test_a_rollback_whose_answer_was_lost_is_found_by_its_repeat(studio: Studio):
    path = f"/api/agents/{studio.agent().body['id']}"
    old = {"version": studio.ask("POST", f"{path}/publish").body["id"]}
    change(studio, path, name="Maya")
    studio.ask("POST", f"{path}/publish")
    first = studio.ask("POST", f"{path}/rollback", old, Idempotency_Key="b1")
    assert (first.body["number"], first.body["rolled_back_to"]) == (3, 1)
    lose_answer(studio.someone, "b1")
    again = studio.ask("POST", f"{path}/rollback", old, Idempotency_Key="b1")
    assert (again.status, again.body, again.etag) == (200, first.body, first.etag)
    # Published anew since, it is not gone back to once more.
    assert studio.ask("POST", f"{path}/publish").body["number"] == 4
    lose_answer(studio.someone, "b1")
    assert studio.ask("POST", f"{path}/rollback", old, Idempotency_Key="b1").body == first.body
    assert studio.get(path).body["published"]["number"] == 4


def test_a_publication_that_was_never_made_is_made_by_the_repeat(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    path = f"/api/agents/{studio.agent().body['id']}"

    def lost(*_: object) -> None:
        raise Unavailable("Nobody knows.")

    with monkeypatch.context() as patch:
        patch.setattr(publishing.wizard, "written", lost)
        assert studio.ask("POST", f"{path}/publish", Idempotency_Key="p1").status == 503
    assert studio.ask("POST", f"{path}/publish", Idempotency_Key="p1").body["number"] == 1


def test_a_version_of_another_agent_is_not_found(studio: Studio):
    one, other = (f"/api/agents/{studio.agent().body['id']}" for _ in range(2))
    version = studio.ask("POST", f"{one}/publish").body["id"]
    assert studio.get(f"{other}/versions/{version}").status == 404
    assert studio.ask("POST", f"{other}/rollback", {"version": version}).status == 404
    assert studio.ask("POST", f"{other}/rollback", {"version": "nonsense"}).status == 404


def test_a_pipeline_publishes_a_file_once_and_may_run_again(studio: Studio):
    path = f"/api/agents/{studio.agent().body['id']}"
    for number, text in [(1, FILE), (1, FILE), (1, f"# only a comment\n{FILE}"), (2, f"{FILE}tone: calm\n")]:
        put = studio.ask("PUT", f"{path}/config?publish=true", text, etag=studio.get(path).etag)
        assert put.status == 200, put.body
        assert put.body["published"]["number"] == number
        assert not put.body["unpublished_changes"]
        assert studio.get(f"{path}/config").content.decode() == text
        assert put.etag == studio.get(path).etag
