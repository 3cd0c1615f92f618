"""The wizard over HTTP: from a name to a published agent, and everything that callers get wrong on the way."""

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.agents import preview
from functions.shared import contracts, firestore, ids
from functions.shared.contracts import AgentRead
from tests.functions.agents.studio import Studio
from tests.functions.rooms import lose_answer
from tests.functions.shared.http import callers

FILE = """# our receptionist
name: Mia  # short for Maria
industry: dental
goals: [make appointments]
model: {provider: offline, id: offline-extractive}
"""


def activity(studio: Studio) -> list[dict]:
    found = firestore.find(firestore.Query(contracts.path(studio.workspace, "activity"), order=("__name__",)))
    return [entry.data for entry in found]


def test_a_preview_fills_the_gaps_warns_and_stores_nothing(studio: Studio):
    answer = studio.ask("POST", "/api/agents/prompt-preview", {"definition": {"industry": "banking"}})
    assert answer.status == 200, answer.body
    body = answer.body
    assert [w["code"] for w in body["warnings"]][:2] == ["no_name", "no_business_name"]
    assert sum(section["tokens"] for section in body["sections"]) == pytest.approx(body["tokens"], abs=20)
    assert "investment" in body["text"]
    assert studio.get("/api/agents").body["items"] == []
    assert activity(studio) == []


def test_a_preview_warns_of_what_is_probably_not_meant(studio: Studio):
    definition = {
        "name": "Mia",
        "industry": "legal",
        "business": {"name": "Firm", "contact": "555"},
        "goals": [],
        "notice": "",
        "must_do": ["Always mention the prices."],
        "must_not_do": ["Do not mention prices.", "Never guess", "never guess!"],
        "instructions": "word " * 1100 + "x" * 400,
        "knowledge": {"passages": 0},
        "hand_off": {"enabled": False},
        "model": {"provider": "vertexai", "id": "gemini-2.5-pro"},
    }
    body = studio.ask("POST", "/api/agents/prompt-preview", {"definition": definition}).body
    codes = [w["code"] for w in body["warnings"]]
    assert codes == [
        "no_goals", "conflicting_rules", "repeated_rule", "no_notice", "no_hand_off", "knowledge_off", "unknown_model",
    ]  # fmt: skip
    assert [w["pointer"] for w in body["warnings"]][1] == "/must_not_do/0"


@pytest.mark.parametrize(
    ("moment", "warned"),
    [
        (datetime(2027, 4, 21, 23, 59, tzinfo=UTC), False),
        (datetime(2027, 4, 22, tzinfo=UTC), True),
        (datetime(2027, 12, 1, tzinfo=UTC), True),
    ],
)
def test_a_model_that_may_go_within_ninety_days_is_warned_of(moment: datetime, warned: bool):
    going = {"provider": "vertexai", "id": "gemini-3.5-flash-lite"}
    staying = {"provider": "offline", "id": "offline-extractive"}

    def warnings(model: dict[str, Any]) -> list[str]:
        found = preview.preview({"name": "Mia", "model": model}, moment).warnings
        return [one.pointer for one in found if one.code == "model_retires"]

    assert warnings(going) == (["/model/id"] if warned else [])
    assert warnings({**staying, "fallback": going}) == (["/model/fallback/id"] if warned else [])
    assert warnings({**going, "fallback": staying}) == (["/model/id"] if warned else [])


@pytest.mark.parametrize(
    ("language", "wanted", "forbidden", "meets"),
    [
        ("en", "Mention the prices.", "Do not mention prices.", True),
        ("en", "Quote our prices in dollars.", "Never quote a price.", True),
        ("en", "Book appointments for new patients.", "Do not book appointments.", True),
        ("de", "Nenne die Preise in Euro.", "Nenne keine Preise.", True),
        ("en", "Say that you give no medical advice.", "Do not give medical advice.", False),
        ("en", "Never quote a price.", "Do not quote prices.", False),
        ("en", "Mention the opening hours.", "Do not mention prices.", False),
        ("en", "Book appointments.", "Do not book appointments on Sundays.", False),
        ("en", "Help.", "Never.", False),
    ],
)
def test_a_goal_that_a_rule_forbids_is_a_contradiction(
    studio: Studio, language: str, wanted: str, forbidden: str, meets: bool
):
    definition = {"languages": [language], "goals": [wanted], "must_not_do": [forbidden]}
    body = studio.ask("POST", "/api/agents/prompt-preview", {"definition": definition}).body
    found = [w for w in body["warnings"] if w["code"] == "conflicting_rules"]
    told = [("/must_not_do/0", "This forbids what goal 1 demands.")] if meets else []
    assert [(w["pointer"], w["message"]) for w in found] == told


def test_a_preview_says_which_goals_the_agents_knowledge_leaves_alone(studio: Studio):
    agent = studio.agent().body["id"]
    definition = {
        "goals": ["Explain parking and where to leave the car.", "Explain the prices of a teeth cleaning."],
        "sample_questions": ["What does a cleaning cost?", "Where can I park my car?"],
    }
    body = {"definition": definition, "agent_id": agent}

    def lacking() -> list[tuple[str, str]]:
        answer = studio.ask("POST", "/api/agents/prompt-preview", body)
        assert answer.status == 200, answer.body
        return [(w["code"], w["pointer"]) for w in answer.body["warnings"] if w["code"].endswith("without_knowledge")]

    assert [pointer for _, pointer in lacking()] == [
        "/goals/0", "/goals/1", "/sample_questions/0", "/sample_questions/1",
    ]  # fmt: skip
    text = "# Prices\n\nA professional teeth cleaning costs 89 dollars, and whitening 350."
    studio.ask("POST", f"/api/agents/{agent}/knowledge", {"kind": "markdown", "title": "Prices", "text": text})
    assert lacking() == [("goal_without_knowledge", "/goals/0"), ("question_without_knowledge", "/sample_questions/1")]
    body["agent_id"] = ids.new("agent")
    assert studio.ask("POST", "/api/agents/prompt-preview", body).status == 404


def test_a_preview_of_a_new_agent_says_that_nothing_is_known_of_its_goals(studio: Studio):
    definition = {"name": "Mia", "goals": ["Make appointments."], "sample_questions": ["When are you open?"]}
    body = studio.ask("POST", "/api/agents/prompt-preview", {"definition": definition}).body
    places = [w["pointer"] for w in body["warnings"] if w["code"].endswith("without_knowledge")]
    assert places == ["/goals/0", "/sample_questions/0"]
    definition["knowledge"] = {"passages": 0}
    body = studio.ask("POST", "/api/agents/prompt-preview", {"definition": definition}).body
    assert not [w for w in body["warnings"] if w["code"].endswith("without_knowledge")]


def test_a_file_that_is_checked_for_an_agent_or_taken_by_it_says_which_goals_its_knowledge_leaves_alone(studio: Studio):
    agent = studio.agent().body["id"]
    text = "# Prices\n\nA professional teeth cleaning costs 89 dollars, and whitening 350."
    studio.ask("POST", f"/api/agents/{agent}/knowledge", {"kind": "markdown", "title": "Prices", "text": text})
    goals = "goals: [Explain parking and where to leave the car., Explain the prices of a teeth cleaning.]"
    file = FILE.replace("goals: [make appointments]", goals)
    path = f"/api/agents/{agent}/config"
    for answer in (
        studio.ask("POST", f"/api/agents/config/validate?agent_id={agent}", file),
        studio.ask("PUT", path, file, etag=studio.get(path).etag),
        studio.ask("PUT", f"{path}?publish=true", file, etag=studio.get(path).etag),
    ):
        assert answer.status == 200, answer.body
        places = [w["pointer"] for w in answer.body["warnings"] if w["code"] == "goal_without_knowledge"]
        assert places == ["/goals/0"]
    # For whom the file is, is not known: it may be an agent that knows much.
    checked = studio.ask("POST", "/api/agents/config/validate", file).body
    assert "goal_without_knowledge" not in [w["code"] for w in checked["warnings"]]
    assert studio.ask("POST", f"/api/agents/config/validate?agent_id={ids.new('agent')}", file).status == 404


def test_a_preview_of_nonsense_names_the_place(studio: Studio):
    answer = studio.ask("POST", "/api/agents/prompt-preview", {"definition": {"tone": "rude"}})
    assert (answer.status, answer.pointers) == (422, ["/definition/tone"])


def test_a_name_is_enough_for_an_agent(studio: Studio):
    made = studio.agent()
    agent = made.body
    assert made.headers["Location"] == f"/api/agents/{agent['id']}"
    assert agent["definition"]["greeting"].startswith("Hello! I can answer questions about treatments")
    assert agent["published"] is None
    read = studio.get(f"/api/agents/{agent['id']}")
    assert read.body == agent
    assert read.etag == made.etag
    stored = firestore.get(contracts.path(studio.workspace, "agents", agent["id"])).data
    kept = AgentRead.model_validate(stored)
    assert (kept.name, kept.industry, kept.model) == ("Mia", "dental", "offline/offline-extractive")
    assert [entry["action"] for entry in activity(studio)] == ["agent.created"]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"name": "x" * 900_000}, "/name", "invalid"),
        ({"name": " "}, "/name", "invalid"),
        ({"name": None}, "/name", "invalid"),
        ({"colour": "red"}, "/colour", "invalid"),
        ({"business": {"colour": "red"}}, "/business/colour", "invalid"),
        ({"goals": "one"}, "/goals", "invalid"),
        ({"goals": ["x"] * 31}, "/goals", "invalid"),
        ({"languages": ["en", "klingon!"]}, "/languages/1", "invalid"),
        ({"industry": "alchemy"}, "/industry", "invalid"),
        ({"model": {"provider": "offline", "id": "gpt-0"}}, "/model/id", "unknown_model"),
        ({"model": {"provider": "offline"}}, "/model/id", "invalid"),
        ({"model": {"provider": "offline", "id": "offline-extractive", "max_output_tokens": "9"}}, None, "invalid"),
    ],
)
def test_bad_answers_are_refused_by_name_and_nothing_is_made(studio: Studio, changes, pointer, code):
    answer = studio.ask("POST", "/api/agents", {"name": "Mia", **changes})
    assert (answer.status, answer.code) == (422, code)
    assert pointer is None or answer.pointers == [pointer]
    assert len(answer.content) < 5_000
    assert studio.get("/api/agents").body["items"] == []


def test_a_megabyte_and_more_is_too_large(studio: Studio):
    assert studio.ask("POST", "/api/agents", {"name": "x" * 1_100_000}).status == 413


def test_a_repeat_with_the_same_key_makes_one_agent(studio: Studio):
    first = studio.ask("POST", "/api/agents", {"name": "Mia"}, Idempotency_Key="once")
    again = studio.ask("POST", "/api/agents", {"name": "Mia"}, Idempotency_Key="once")
    assert first.body["id"] == again.body["id"]
    assert len(studio.get("/api/agents").body["items"]) == 1


def test_a_repeat_after_a_crash_finds_the_agent_that_was_made(studio: Studio):
    first = studio.ask("POST", "/api/agents", {"name": "Mia"}, Idempotency_Key="crashed")
    lose_answer(studio.someone, "crashed")
    again = studio.ask("POST", "/api/agents", {"name": "Mia"}, Idempotency_Key="crashed")
    assert (again.status, again.body, again.etag) == (201, first.body, first.etag)
    assert len(studio.get("/api/agents").body["items"]) == 1
    assert ids.valid("agent", first.body["id"])
    assert studio.ask("POST", "/api/agents", {"name": "Mia"}).body["id"] > first.body["id"]


def test_agents_are_listed_page_by_page_newest_first_without_deleted_ones(studio: Studio):
    made = [studio.agent(name=f"Agent {n}").body["id"] for n in range(5)]
    callers.write(f"workspaces/{studio.workspace}/fleet/{made[1]}", {"deleted_at": ids.clock.now()})
    listed, token = [], ""
    while token is not None:
        page = studio.get(f"/api/agents?page_size=2{f'&page_token={token}' if token else ''}").body
        listed += [agent["id"] for agent in page["items"]]
        token = page["next_page_token"]
    assert listed == [made[4], made[3], made[2], made[0]]
    assert studio.get(f"/api/agents/{made[1]}").status == 404
    assert studio.get("/api/agents?page_token=bm9uc2Vuc2U").status == 422


def test_another_workspaces_agent_does_not_exist(studio: Studio):
    agent = studio.agent()
    path = f"/api/agents/{agent.body['id']}"
    other = Studio(callers.person("owner"))
    assert other.get("/api/agents").body["items"] == []
    for method, below, body in [
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine"}),
        ("POST", "/publish", None),
        ("GET", "/versions", None),
        ("GET", "/config", None),
        ("PUT", "/config", FILE),
        ("GET", "/knowledge", None),
        ("POST", "/knowledge", {"kind": "text", "title": "t", "text": "x"}),
        ("POST", "/knowledge/search", {"question": "x"}),
    ]:
        answer = other.ask(method, f"{path}{below}", body, etag=agent.etag)
        assert (method, below, answer.status) == (method, below, 404)
    assert studio.get(path).etag == agent.etag


def test_a_viewer_reads_and_changes_nothing(studio: Studio):
    agent = studio.agent()
    viewer = Studio(callers.person("viewer", studio.workspace))
    assert viewer.get(f"/api/agents/{agent.body['id']}").status == 200
    assert viewer.ask("PATCH", f"/api/agents/{agent.body['id']}", {"name": "x"}, etag=agent.etag).status == 403
    assert viewer.ask("POST", "/api/agents", {"name": "x"}).status == 403


def test_a_patch_merges_parts_replaces_lists_and_null_means_the_default(studio: Studio):
    agent = studio.agent(business={"name": "Smile", "contact": "555"})
    path = f"/api/agents/{agent.body['id']}"
    patch = {"business": {"contact": "777"}, "goals": ["one"], "tone": None, "model": {"max_output_tokens": 300}}
    changed = studio.ask("PATCH", path, patch, etag=agent.etag, Content_Type="application/merge-patch+json")
    assert changed.status == 200, changed.body
    definition = changed.body["definition"]
    assert definition["business"] == {
        "name": "Smile",
        "description": "",
        "contact": "777",
        "opening_hours": "",
        "hours": None,
    }
    assert (definition["goals"], definition["tone"]) == (["one"], "friendly")
    assert definition["model"]["id"] == "offline-extractive"
    assert changed.etag != agent.etag
    entry = activity(studio)[-1]
    assert entry["action"] == "agent.changed"
    assert (entry["before"]["business.contact"], entry["after"]["business.contact"]) == ("555", "777")


def test_a_write_needs_the_etag_of_now(studio: Studio):
    agent = studio.agent()
    path = f"/api/agents/{agent.body['id']}"
    assert studio.ask("PATCH", path, {"name": "A"}).status == 428
    assert studio.ask("PATCH", path, {"name": "A"}, etag=agent.etag).status == 200
    for stale in (agent.etag, '"0"', '"nonsense"'):
        assert studio.ask("PATCH", path, {"name": "B"}, etag=stale).status == 412
        assert studio.ask("PUT", f"{path}/config", FILE, etag=stale).status == 412
        assert studio.ask("PUT", f"{path}/config?publish=true", FILE, etag=stale).status == 412
    assert studio.get(path).body["name"] == "A"
    assert len(activity(studio)) == 2


def test_a_patch_is_checked_as_a_whole(studio: Studio):
    agent = studio.agent()
    path = f"/api/agents/{agent.body['id']}"
    answer = studio.ask("PATCH", path, {"model": {"id": "gpt-0"}}, etag=agent.etag)
    assert (answer.status, answer.code, answer.pointers) == (422, "unknown_model", ["/model/id"])
    assert studio.ask("PATCH", path, {"name": None}, etag=agent.etag).pointers == ["/name"]
    assert studio.get(path).etag == agent.etag


def test_a_file_makes_an_agent_and_comes_back_byte_for_byte(studio: Studio):
    made = studio.ask("POST", "/api/agents/import", FILE)
    assert made.status == 201, made.body
    path = f"/api/agents/{made.body['id']}"
    file = studio.get(f"{path}/config")
    assert file.content.decode() == FILE
    assert file.headers["Content-Type"].startswith("application/yaml")
    changed = studio.ask("PATCH", path, {"tone": "calm", "name": "Maya"}, etag=file.etag)
    assert changed.status == 200
    text = studio.get(f"{path}/config").content.decode()
    assert text.startswith("# our receptionist\nname: Maya # short for Maria\n")
    assert "tone: calm" in text


def test_an_agent_of_the_wizard_has_a_file_that_means_the_same(studio: Studio):
    agent = studio.agent()
    path = f"/api/agents/{agent.body['id']}"
    file = studio.get(f"{path}/config")
    put = studio.ask("PUT", f"{path}/config", b"# mine\n" + file.content, etag=file.etag)
    assert put.status == 200, put.body
    assert put.body["definition"] == agent.body["definition"]
    assert studio.get(f"{path}/config").content.startswith(b"# mine\n")


@pytest.mark.parametrize(
    ("text", "status", "code", "place"),
    [
        (FILE.replace("offline-extractive", "gpt-0"), 422, "unknown_model", (5, 28)),
        (FILE + "colour: red\n", 422, "invalid", (6, 1)),
        (FILE.replace("[make appointments]", "[1]"), 422, "invalid", (4, 9)),
        (FILE.replace("name: Mia", "name: !!python/name:os.system"), 422, "yaml_tag", (2, 7)),
        ("a: &a [x]\nb: *a\n" + FILE, 422, "yaml_alias", (1, 4)),
        (FILE + "name: again\n", 422, "duplicate_key", (6, 1)),
        (FILE + "must_do: [", 400, "not_yaml", (6, 11)),
    ],
)
def test_a_bad_file_is_refused_with_line_and_column_everywhere(studio: Studio, text, status, code, place):
    agent = studio.agent()
    path = f"/api/agents/{agent.body['id']}/config"
    answers = [
        studio.ask("POST", "/api/agents/config/validate", text),
        studio.ask("POST", "/api/agents/import", text),
        studio.ask("PUT", path, text, etag=agent.etag),
        studio.ask("PUT", f"{path}?publish=true", text, etag=agent.etag),
    ]
    for answer in answers:
        assert (answer.status, answer.code) == (status, code)
        error = answer.body["errors"][0]
        assert place == (error["line"], error["column"])
    assert studio.get(f"/api/agents/{agent.body['id']}").etag == agent.etag
    assert len(studio.get("/api/agents").body["items"]) == 1


def test_a_file_that_is_too_large_or_of_another_type_is_refused(studio: Studio):
    assert studio.ask("POST", "/api/agents/import", b"#" * 300_000).status == 413
    assert studio.ask("POST", "/api/agents/import", FILE, Content_Type="text/plain").status == 415


def test_validating_stores_nothing_and_a_viewer_may(studio: Studio):
    viewer = Studio(callers.person("viewer", studio.workspace))
    answer = viewer.ask("POST", "/api/agents/config/validate", FILE)
    assert answer.status == 200
    assert [w["code"] for w in answer.body["warnings"]] == ["no_business_name", "no_contact", "no_notice"]
    assert studio.get("/api/agents").body["items"] == []
