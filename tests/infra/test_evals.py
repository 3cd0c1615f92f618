"""A model's judgement of a run's answers, over the wire of both: AgentHub's API and the evaluation service."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra import evals
from tests.engines import ROOT

PYTHON = ROOT / ".nox" / "evals" / "bin" / "python"
AGENT, KEY = "agt_1", "key_1:secret"


def result(version: str, case: str, answer: str, outcome: str = "passed") -> dict[str, str]:
    return {"version": version, "case_id": case, "answer": answer, "outcome": outcome}


class Town(ThreadingHTTPServer):
    """AgentHub and the evaluation service at one address; what was asked of them is kept."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.runs = [{"id": "run_3", "state": "running"}, {"id": "run_2", "state": "done"}]
        self.results = [
            result("draft", "hours", "We open at nine."),
            result("published", "hours", "Ask somebody else.", "failed"),
            result("draft", "mute", "", "failed"),
        ]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, body: bytes) -> Any:
        home = f"/api/agents/{AGENT}/checks"
        if path == "/oauth/token":
            return {"access_token": "t"}
        if path == home:
            cases = [{"id": "hours", "question": "When do you open?"}, {"id": "mute", "question": "Hm?"}]
            return {"cases": cases}
        if path == f"{home}/runs":
            return {"items": self.runs}
        if path == f"{home}/runs/run_2":
            return {"results": self.results}
        if path.endswith("/projects/p/locations/us-central1/:evaluateInstances"):
            request = json.loads(body)
            self.asked.append(request)
            good = "nine" in request["instance"]["response"]["contents"]["contents"][0]["parts"][0]["text"]
            rubric = {"content": {"property": {"description": "Says when"}}}
            verdict = {"evaluatedRubric": rubric, "verdict": good, "reasoning": "" if good else "It does not say when."}
            return {"metricResults": [{"score": 1.0 if good else 0.0, "rubricVerdicts": [verdict]}]}
        return None


class Handler(BaseHTTPRequestHandler):
    server: Town

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = self.server.answer(self.path, body)
        content = json.dumps(found if found is not None else {"detail": "There is nothing here."}).encode()
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Nothing: the test's output is the test's."""


@pytest.fixture
def town() -> Iterator[Town]:
    with Town() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_answers_of_the_latest_run_that_ended_are_taken(town: Town) -> None:
    found = evals.answers(evals.AgentHub(town.url, KEY), AGENT, [], None)
    assert [(one["version"], one["question"], one["answer"]) for one in found] == [
        ("draft", "When do you open?", "We open at nine."),
        ("published", "When do you open?", "Ask somebody else."),
    ]


@pytest.mark.parametrize(
    ("cases", "run", "says"),
    [
        (["moon"], None, "no test case moon"),
        (["mute"], None, "no answer"),
        ([], "run_9", "404 There is nothing here."),
    ],
)
def test_who_has_nothing_to_judge_is_told_why(town: Town, cases: list[str], run: str | None, says: str) -> None:
    with pytest.raises(evals.NotJudged, match=says):
        evals.answers(evals.AgentHub(town.url, KEY), AGENT, cases, run)


def test_an_agent_without_a_run_is_told_to_run_its_cases(town: Town) -> None:
    town.runs = []
    with pytest.raises(evals.NotJudged, match="Run them first"):
        evals.answers(evals.AgentHub(town.url, KEY), AGENT, [], None)


def test_without_a_key_nothing_is_asked(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AGENTHUB_API_KEY", raising=False)
    assert evals.main([AGENT, "--url", town.url, "--project", "p"]) == 2
    assert "AGENTHUB_API_KEY" in capsys.readouterr().err


@pytest.mark.timeout(600)
@pytest.mark.skipif(not PYTHON.exists(), reason="the evaluation client is not installed; nox -s evals and CI do that")
def test_a_model_scores_each_answer_and_a_low_score_is_a_failure(town: Town) -> None:
    command = [str(PYTHON), "-m", "infra.evals", AGENT, "--url", town.url, "--project", "p", "--least", "0.5"]
    env = {"AGENTHUB_API_KEY": KEY, "EVALUATION_URL": town.url, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, cwd=ROOT, check=False)
    assert done.returncode == 1, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["draft", "hours", "passed", "1.00"]
    assert lines[1] == ["published", "hours", "failed", "0.00", "It", "does", "not", "say", "when."]
    assert [line[:2] + line[-1:] for line in lines[2:]] == [["draft", "mean", "1.00"], ["published", "mean", "0.00"]]
    specs = {asked["metrics"][0]["predefined_metric_spec"]["metric_spec_name"] for asked in town.asked}
    assert (specs, len(town.asked)) == ({evals.METRIC}, 2)
