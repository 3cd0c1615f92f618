"""Lets a model judge what an agent answered to its test cases: the evaluation service of Google Cloud, once for each answer.

`python -m infra.evals AGENT --url URL --project PROJECT [--case ID]… [--run RUN]` takes the answers of a stored run, the
latest by default, so nothing is asked of the agent again. It runs in an environment of its own (dependency group `evals`),
stands on the standard library and the evaluation client alone, and is no part of any bundle. Whether a publish is let
through is decided by the cases' own rules, never by this.
"""

import argparse
import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

METRIC = "general_quality_v1"
"""Judged by rubrics that the service makes of each question; the first version is there in every region."""

SECONDS = 60.0


class NotJudged(Exception):
    """There is nothing to judge, or nobody who may; the message says what to do."""


@dataclass(frozen=True)
class Judged:
    """One answer with the model's score (0 to 1; None: it gave none, and `why` says so) and its reasons."""

    version: str
    case: str
    rules: str
    score: float | None
    why: str


class AgentHub:
    """The HTTP API, as the program with an API key; `key` is `id:secret`."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        basic = base64.b64encode(key.encode()).decode()
        form = urllib.parse.urlencode({"grant_type": "client_credentials"}).encode()
        token = self._call("/oauth/token", {"Authorization": f"Basic {basic}"}, form)["access_token"]
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        """The answer to a GET. Raises NotJudged with what the API says."""
        return self._call(path, self._headers)

    def _call(self, path: str, headers: Mapping[str, str], data: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self._url}{path}", data, dict(headers))  # noqa: S310 - who calls names it
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise NotJudged(f"{path}: {error.code} {_detail(error.read())}") from error
        except urllib.error.URLError as error:
            raise NotJudged(f"{self._url} cannot be reached: {error.reason}") from error


def _detail(content: bytes) -> str:
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return "without a reason"


def answers(hub: AgentHub, agent: str, cases: Sequence[str], run: str | None) -> list[dict[str, Any]]:
    """What the run gave for these cases (all when none is named), each with its `question`. Raises NotJudged."""
    home = f"/api/agents/{urllib.parse.quote(agent, safe='')}/checks"
    questions = {case["id"]: case["question"] for case in hub.get(home)["cases"]}
    unknown = sorted(set(cases) - set(questions))
    if unknown:
        raise NotJudged(f"There is no test case {', '.join(unknown)}.")
    if run is None:
        ended = [one["id"] for one in hub.get(f"{home}/runs")["items"] if one["state"] in ("done", "partial")]
        if not ended:
            raise NotJudged("No run of the test cases is stored. Run them first.")
        run = ended[0]
    results = hub.get(f"{home}/runs/{urllib.parse.quote(run, safe='')}")["results"]
    wanted = set(cases) or set(questions)
    found = [
        {**result, "question": questions[result["case_id"]]}
        for result in results
        if result["case_id"] in wanted & set(questions) and result["answer"].strip()
    ]
    if not found:
        raise NotJudged(f"Run {run} has no answer to these cases.")
    return found


def client(project: str, location: str, base_url: str | None = None, credentials: Any = None) -> Any:
    """The client of the evaluation service; without `credentials` whoever is logged in here."""
    import agentplatform

    options = {"base_url": base_url} if base_url else None
    return agentplatform.Client(project=project, location=location, credentials=credentials, http_options=options)


def judge(service: Any, found: Sequence[Mapping[str, Any]], metric: str = METRIC) -> list[Judged]:
    """Each answer's score, in the order given. An answer that the service cannot judge has none."""
    import pandas
    from agentplatform import types

    table = pandas.DataFrame([{"prompt": one["question"], "response": one["answer"]} for one in found])
    result = service.evals.evaluate(dataset=table, metrics=[types.Metric(name=metric)])
    scores = {case.eval_case_index: case.response_candidate_results[0] for case in result.eval_case_results}
    judged = []
    for number, one in enumerate(found):
        given = scores[number].metric_results[metric]
        judged.append(Judged(one["version"], one["case_id"], one["outcome"], given.score, _why(given)))
    return judged


def _why(given: Any) -> str:
    """The rubrics that the answer did not meet, or what the service says in words."""
    if given.error_message:
        return str(given.error_message)
    missed = [one for one in given.rubric_verdicts or () if not one.verdict]
    reasons = [one.reasoning or one.evaluated_rubric.content.property.description for one in missed]
    return " ".join(reason for reason in reasons if reason) or given.explanation or ""


def shown(judged: Sequence[Judged]) -> str:
    """A line for each answer, and the mean of each version."""
    lines = [
        f"{one.version:<10}{one.case:<42}{one.rules:<8}{'-' if one.score is None else f'{one.score:.2f}':>5}  {one.why}"
        for one in judged
    ]
    for version in dict.fromkeys(one.version for one in judged):
        scores = [one.score for one in judged if one.version == version and one.score is not None]
        if scores:
            lines.append(f"{version:<10}mean of {len(scores):<34}{'':<8}{sum(scores) / len(scores):>5.2f}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when an answer scores below `--least` or could not be judged, 2 when there is nothing to judge."""
    parser = argparse.ArgumentParser(prog="nox -s evals --", description=str(__doc__).partition("\n")[0])
    parser.add_argument("agent", help="id of the agent; its API key, id:secret, is in AGENTHUB_API_KEY")
    parser.add_argument("--url", required=True, help="where AgentHub is")
    parser.add_argument("--project", required=True, help="Google Cloud project that the evaluations are billed to")
    parser.add_argument("--location", default="us-central1", help="region of the evaluation service")
    parser.add_argument("--case", action="append", default=[], help="only this case; may come several times")
    parser.add_argument("--run", help="the run whose answers are judged; the latest when absent")
    parser.add_argument("--metric", default=METRIC, help="a predefined metric of the service")
    parser.add_argument("--least", type=float, default=0.0, help="the least score that is no failure")
    asked = parser.parse_args(arguments)
    try:
        key = os.environ.get("AGENTHUB_API_KEY", "")
        if ":" not in key:
            raise NotJudged("Put an API key with scope read into AGENTHUB_API_KEY, as id:secret.")
        found = answers(AgentHub(asked.url, key), asked.agent, asked.case, asked.run)
        judged = judge(client(asked.project, asked.location, *_stand_in()), found, asked.metric)
    except NotJudged as error:
        print(error, file=sys.stderr)
        return 2
    print(shown(judged))
    return int(any(one.score is None or one.score < asked.least for one in judged))


def _stand_in() -> tuple[str | None, Any]:
    """EVALUATION_URL leads to a stand-in of the service, which takes no login."""
    url = os.environ.get("EVALUATION_URL")
    if not url:
        return None, None
    from google.oauth2.credentials import Credentials

    return url, Credentials("stand-in")


if __name__ == "__main__":
    sys.exit(main())
