"""Test cases behind the edge: written with their ETag, a gate to publishing, erased with their agent."""

from datetime import timedelta
from typing import Any

from functions.agents import check_runs, checks, repository, sweeping
from functions.agents.check_rules import Case, Cases
from functions.agents.check_runs import Run
from functions.shared import clock, contracts, firestore, logs, metering
from functions.shared.identity import WorkspaceId
from tests.cloud import Cloud
from tests.functions.agents.studio import Answered, Studio
from tests.functions.agents.talking import Scripted, an_agent, usage_events, write

GOOD, BAD = {"id": "greets", "question": "Hello", "must": ["good day"]}, {"id": "b", "question": "Hi", "must": ["moon"]}
FILE = "name: Mia\nindustry: dental\ntone: {tone}\nmodel: {{provider: offline, id: offline-extractive}}\n"


def put(studio: Studio, path: str, *cases: dict[str, Any], etag: str | None = None) -> Answered:
    answer = studio.ask("PUT", f"{path}/checks", {"cases": list(cases)}, etag=etag or studio.get(f"{path}/checks").etag)
    assert answer.status == 200, answer.body
    return answer


def play(cloud: Cloud, studio: Studio, path: str) -> str:
    """Run the cases as agents-chat does, with a model that says "Good day."; the run's id."""
    run = check_runs.begin(cloud.call(studio.workspace), path.rsplit("/", 1)[-1], Scripted())
    assert isinstance(run, Run)
    for _ in run.events():
        pass
    return run.name


def an_address(studio: Studio) -> str:
    return f"/api/agents/{studio.agent().body['id']}"


def test_cases_are_written_whole_and_read_back(studio: Studio) -> None:
    path = an_address(studio)
    empty = studio.get(f"{path}/checks")
    assert (empty.status, empty.body) == (
        200,
        {"cases": [], "run_id": None, "up_to_date": False, "failing": None, "turns": 0, "highest": None},
    )
    written = put(studio, path, GOOD, {**BAD, "must_not": ["x"], "hand_off": False, "source": "Prices"})
    read = studio.get(f"{path}/checks")
    assert (read.body, read.etag) == (written.body, written.etag)
    assert read.body["cases"][0] == {**GOOD, "must_not": [], "hand_off": None, "source": None}
    assert put(studio, path).body["cases"] == []


def test_looking_at_the_price_of_a_run_writes_nothing(studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)
    now = clock.now()
    running = metering.spend_path(studio.workspace, now)
    before = metering.spend_path(studio.workspace, clock.start_of_month(clock.month_of(now)) - timedelta(days=1))
    home = {"name": "T", **firestore.get(contracts.workspace_path(studio.workspace)).data}
    write(contracts.workspace_path(studio.workspace), {**home, "created_at": now - timedelta(days=40)})
    firestore.delete_tree([running])
    write(before, {"spent_nanos": 0})
    assert studio.get(f"{path}/checks").body["highest"] is not None
    assert "over" not in firestore.get(before).data
    assert not firestore.get(running).exists


def test_the_audit_log_says_which_cases_came_went_and_changed_without_their_words(studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD, BAD)
    put(studio, path, {**GOOD, "must": ["hello"]}, {**BAD, "id": "c"})
    entries = firestore.find(firestore.Query(contracts.path(studio.workspace, "activity"), order=("at",)))
    told = [one.data for one in entries if one.data["action"] == "checks.changed"]
    assert [(entry["before"], entry["after"]) for entry in told] == [
        ({"cases": 0, "removed": []}, {"cases": 2, "added": ["greets", "b"], "changed": []}),
        ({"cases": 2, "removed": ["b"]}, {"cases": 2, "added": ["c"], "changed": ["greets"]}),
    ]


def test_of_two_who_write_the_cases_the_second_is_told(studio: Studio) -> None:
    path = an_address(studio)
    etag = studio.get(f"{path}/checks").etag
    put(studio, path, GOOD, etag=etag)
    assert studio.ask("PUT", f"{path}/checks", {"cases": []}, etag=etag).status == 412
    assert studio.ask("PUT", f"{path}/checks", {"cases": []}).status == 428
    assert len(studio.get(f"{path}/checks").body["cases"]) == 1


def test_what_cannot_be_judged_is_refused_with_its_place(studio: Studio) -> None:
    path = an_address(studio)
    etag = studio.get(f"{path}/checks").etag
    wrong = studio.ask("PUT", f"{path}/checks", {"cases": [{**GOOD, "must": [" "]}]}, etag=etag)
    assert (wrong.status, wrong.pointers) == (422, ["/cases/0/must/0"])
    assert studio.ask("PUT", f"{path}/checks", {"cases": [GOOD, GOOD]}, etag=etag).status == 422


def test_the_runs_of_an_agent_are_listed_and_read(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD, BAD)
    names = [play(cloud, studio, path) for _ in range(2)]
    listed = studio.get(f"{path}/checks/runs").body["items"]
    assert [run["id"] for run in listed] == names[::-1]
    assert "results" not in listed[0]
    run = studio.get(f"{path}/checks/runs/{names[0]}").body
    assert [(one["case_id"], one["outcome"]) for one in run["results"]] == [("greets", "passed"), ("b", "failed")]
    assert (run["versions"][0]["passed"], run["versions"][0]["failed"], run["state"]) == (1, 1, "done")
    assert studio.get(f"{path}/checks/runs/run_{'a' * 26}").status == 404
    assert studio.get(f"{path}/checks/runs/nonsense").status == 404
    shown = studio.get(f"{path}/checks").body
    assert (shown["run_id"], shown["up_to_date"], shown["failing"]) == (names[1], True, 1)


def test_an_answer_that_a_browser_kept_is_not_shown_after_a_run(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    etag = put(studio, path, GOOD).etag
    assert studio.get(f"{path}/checks", **{"If-None-Match": etag}).status == 304
    play(cloud, studio, path)
    assert studio.get(f"{path}/checks", **{"If-None-Match": etag}).status == 200
    # Who writes cases need not know of the run.
    put(studio, path, BAD, etag=etag)


def test_publishing_asks_for_a_run_of_exactly_this_draft(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)
    refused = studio.ask("POST", f"{path}/publish")
    assert (refused.status, refused.code) == (409, "checks_not_run")
    assert "accept_failing=true" in refused.body["detail"]
    run = play(cloud, studio, path)
    studio.ask("PATCH", path, {"tone": "calm"}, etag=studio.get(path).etag)
    assert studio.ask("POST", f"{path}/publish").code == "checks_not_run"
    studio.ask("PATCH", path, {"tone": None}, etag=studio.get(path).etag)
    studio.ask("PATCH", path, {"tone": "warm"}, etag=studio.get(path).etag)
    version = studio.ask("POST", f"{path}/publish")
    assert (version.status, version.body["check_run"], version.body["checks_failing"]) == (200, run, 0)
    assert studio.get(f"{path}/versions").body["items"][0]["check_run"] == run


def test_failing_cases_refuse_a_publish_unless_they_are_accepted(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD, BAD)
    run = play(cloud, studio, path)
    refused = studio.ask("POST", f"{path}/publish")
    assert (refused.status, refused.code) == (409, "checks_failing")
    assert run in refused.body["detail"]
    assert studio.get(f"{path}/versions").body["items"] == []
    version = studio.ask("POST", f"{path}/publish?accept_failing=true").body
    assert (version["check_run"], version["checks_failing"]) == (run, 1)
    assert studio.get(f"{path}/versions/{version['id']}").body["check_run"] == run


def test_a_version_that_no_run_has_judged_says_so(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)
    version = studio.ask("POST", f"{path}/publish?accept_failing=true").body
    assert (version["number"], version["check_run"], version["checks_failing"]) == (1, None, None)


def test_new_knowledge_or_other_cases_ask_for_another_run(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)
    play(cloud, studio, path)
    put(studio, path, GOOD, BAD)
    assert studio.ask("POST", f"{path}/publish").code == "checks_not_run"
    put(studio, path, GOOD)
    learned = studio.ask("POST", f"{path}/knowledge", {"kind": "text", "title": "Hours", "text": "We open at 9."})
    assert learned.status == 201, learned.body
    assert studio.ask("POST", f"{path}/publish").code == "checks_not_run"
    play(cloud, studio, path)
    assert studio.ask("POST", f"{path}/publish").status == 200


def test_an_agent_without_cases_publishes_as_before(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, BAD)
    play(cloud, studio, path)
    put(studio, path)
    assert studio.ask("POST", f"{path}/publish").body["check_run"] is None


def test_the_gate_reads_nothing(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)
    play(cloud, studio, path)
    (found,) = repository.read(repository.agent_path(studio.workspace, path.rsplit("/", 1)[-1]))
    kept = checks.Agent.model_validate(found.data)
    with logs.request() as operations:
        assert checks.gate(kept, kept.draft, accept_failing=False).checks_failing == 0
    assert dict(operations) == {}


def test_a_pipeline_is_held_to_the_cases_too(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)

    def send(tone: str, query: str) -> Answered:
        return studio.ask("PUT", f"{path}/config{query}", FILE.format(tone=tone), etag=studio.get(path).etag)

    before = studio.get(path)
    assert send("calm", "?publish=true").code == "checks_not_run"
    assert (studio.get(path).body, studio.get(path).etag) == (before.body, before.etag)
    assert send("calm", "").status == 200
    run = play(cloud, studio, path)
    assert send("calm", "?publish=true").body["published"]["number"] == 1
    assert studio.get(f"{path}/versions").body["items"][0]["check_run"] == run
    # What is published already is no error, and no reason to run anything.
    assert send("calm", "?publish=true").status == 200
    assert send("formal", "?publish=true").code == "checks_not_run"
    assert send("formal", "?publish=true&accept_failing=true").body["published"]["number"] == 2


def test_going_back_asks_for_no_run(studio: Studio) -> None:
    path = an_address(studio)
    first = studio.ask("POST", f"{path}/publish").body
    studio.ask("PATCH", path, {"tone": "calm"}, etag=studio.get(path).etag)
    studio.ask("POST", f"{path}/publish")
    put(studio, path, BAD)
    back = studio.ask("POST", f"{path}/rollback", {"version": first["id"]})
    assert (back.status, back.body["check_run"]) == (200, None)


def test_a_run_and_a_change_of_the_cases_leave_each_other_alone(cloud: Cloud, studio: Studio) -> None:
    path = an_address(studio)
    put(studio, path, GOOD)
    run = check_runs.begin(cloud.call(studio.workspace), path.rsplit("/", 1)[-1], Scripted())
    assert isinstance(run, Run)
    events = run.events()
    next(events)
    put(studio, path, GOOD, BAD)
    list(events)
    shown = studio.get(f"{path}/checks").body
    assert (len(shown["cases"]), shown["up_to_date"], shown["failing"]) == (2, False, None)
    put(studio, path, GOOD)
    assert studio.get(f"{path}/checks").body["up_to_date"]


def erased(workspace: WorkspaceId, agent: str) -> bool:
    gone = not firestore.get(repository.checks_path(workspace, agent)).exists
    return gone and repository.check_runs(workspace, agent, 5) == []


def test_cases_and_runs_are_erased_with_their_agent(cloud: Cloud, workspace: WorkspaceId) -> None:
    agents = [an_agent(workspace, published=False) for _ in range(2)]
    for agent in agents:
        cases = Cases(cases=(Case(id="c", question="Hi"),))
        checks.replace(cloud.call(workspace, if_match=firestore.ABSENT), agent, cases)
        run = check_runs.begin(cloud.call(workspace), agent, Scripted())
        assert isinstance(run, Run)
        list(run.events())
    now = clock.now()
    fleet = {"status": "archived", "deleted_at": now - timedelta(days=31)}
    write(contracts.path(workspace, "fleet", agents[0]), fleet)
    sweeping.sweep(workspace, now, now)
    assert [erased(workspace, agent) for agent in agents] == [True, False]
    assert len(usage_events(workspace)) == 2
    write(contracts.workspace_path(workspace), {"name": "T", "created_at": now, "state": "closing", "erase_at": now})
    sweeping.sweep(workspace, now, now)
    assert erased(workspace, agents[1])
