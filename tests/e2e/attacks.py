"""What the tests of bad input send: bodies that are no bodies, files that are no agents, envelopes that are not ours."""

import base64
import json
from pathlib import Path
from typing import Any

import yaml

CONTRACT = yaml.load((Path(__file__).parents[2] / "api-gateway.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
METHODS = ("get", "put", "post", "patch", "delete")


def _operations() -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for path, item in CONTRACT["paths"].items():
        found += [(method.upper(), path, item[method]) for method in METHODS if method in item]
    return found


OPERATIONS = _operations()
SECURED = [(method, path, op) for method, path, op in OPERATIONS if op.get("security")]
READS = [(method, path, op) for method, path, op in SECURED if method == "GET"]
JSON_WRITES = [
    (method, path, op)
    for method, path, op in SECURED
    if "application/json" in op.get("requestBody", {}).get("content", {})
]


def title(value: Any) -> str | None:
    """The name of a parameter in the list of tests."""
    return value if isinstance(value, str) and len(value) < 80 else ""


BODIES = {
    "nothing but a brace": (b"{", 400),
    "not JSON": (b"name=Mia", 400),
    "no UTF-8": (b'{"name": "\xff"}', 400),
    "half a surrogate": (b'{"name": "\\ud800"}', 400),
    "not a number": (b'{"name": NaN}', 400),
    "a member twice": (b'{"name": "a", "name": "b"}', 400),
    "a hundred thousand brackets": (b"[" * 100_000, 400),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "a number for a name": (b'{"name": 5}', 422),
    "a list for a name": (b'{"name": ["Mia"]}', 422),
    "a blank name": (b'{"name": "   "}', 422),
    "an unknown field": (b'{"name": "Mia", "admin": true}', 422),
    "a long name": (b'{"name": "' + b"x" * 900_000 + b'"}', 422),
    "1 MB of text in a name": (b'{"name": "' + b"x" * 2**20 + b'"}', 413),
    "an unknown model": (b'{"name": "Mia", "model": {"provider": "offline", "id": "gpt-99"}}', 422),
}

MODEL = "\nmodel:\n  provider: offline\n  id: offline-extractive\n"
_LAUGHS = "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8))
FILES = {
    "a billion laughs": ("a: &a [x,x,x,x,x,x,x,x,x]\n" + _LAUGHS, "yaml_alias"),
    "a snake that eats itself": ("a: &a [*a]", "yaml_alias"),
    "a merge key": ("<<: &a {name: x}", "yaml_alias"),
    "a Python object": ("name: !!python/object/apply:os.system ['id']", "yaml_tag"),
    "a local tag": ("name: !secret x", "yaml_tag"),
    "a quarter of a million brackets": ("[" * 250_000, "too_deep"),
    "deep mappings": ("{a: " * 60_000, "too_deep"),
    "two documents": ("name: a\n---\nname: b\n", "many_documents"),
    "nothing": ("", "not_a_mapping"),
    "a key twice": ("name: a\nname: b\n", "duplicate_key"),
    "a list as key": ("? [a, b]\n: c\n", "bad_key"),
    "a tab": ("name:\t\tx\n\ta: b", "not_yaml"),
    "too many bytes": ("x: " + "a" * 300_000, "too_large"),
    "an unknown model": ("name: Mia\nmodel:\n  provider: offline\n  id: gpt-99\n", "unknown_model"),
    "an unknown provider": ("name: Mia\nmodel:\n  provider: nobody\n  id: offline-extractive\n", "unknown_model"),
    "an unknown field": ("name: Mia\nroot: true" + MODEL, "invalid"),
    "a wrong type": ("name: [Mia]" + MODEL, "invalid"),
}


def envelopes(workspace: str) -> dict[str, Any]:
    """Envelopes that are not ours, or not any more."""
    row = {"workspace_id": workspace, "event_id": "a" * 52, "occurred_at": "2026-11-25T10:00:00Z"}
    ours = {"workspace_id": workspace, "event_id": "a" * 52}

    def around(data: Any, attributes: Any) -> dict[str, Any]:
        return {"message": {"data": base64.b64encode(json.dumps(data).encode()).decode(), "attributes": attributes}}

    return {
        "a list": [],
        "a number": 3,
        "no message": {},
        "no data": {"message": {"attributes": ours}},
        "no base64": {"message": {"data": "%%%", "attributes": ours}},
        "data that is a number": {"message": {"data": 3, "attributes": ours}},
        "no JSON": {"message": {"data": base64.b64encode(b"hi").decode(), "attributes": ours}},
        "a row that is a list": around([row], ours),
        "attributes that are a list": around(row, [1]),
        "another workspace in the attributes": around(row, {**ours, "workspace_id": "ws_" + "0" * 26}),
        "a workspace that is a path": around({**row, "workspace_id": "../x"}, {**ours, "workspace_id": "../x"}),
        "an id that is a path": around({**row, "event_id": "../x"}, {**ours, "event_id": "../x"}),
        "an id that is an object": around({**row, "event_id": {}}, {**ours, "event_id": {}}),
        "no time": around({**row, "occurred_at": "yesterday"}, ours),
        "a time that is a number": around({**row, "occurred_at": 5}, ours),
        "nothing but ids": around(row, ours),
    }


BAD_BUDGETS = {
    "a negative cap": {"cap": {"amount": "-1", "currency": "USD"}},
    "a huge cap": {"cap": {"amount": "999999999999999999", "currency": "USD"}},
    "an exponent": {"cap": {"amount": "1e5", "currency": "USD"}},
    "a float": {"cap": {"amount": 1.5, "currency": "USD"}},
    "ten decimals": {"cap": {"amount": "0.0000000001", "currency": "USD"}},
    "another currency": {"cap": {"amount": "1", "currency": "EUR"}},
    "no currency at all": {"cap": {"amount": "1", "currency": "XXX"}},
    "digits of another script": {"cap": {"amount": "\u0661", "currency": "USD"}},
    "a share above one": {"cap": None, "visitor_hour_share": "1.5"},
    "a negative share": {"cap": None, "visitor_day_share": "-0.1"},
    "an agent that is not there": {"cap": None, "agent_caps": {"agt_" + "0" * 26: {"amount": "1", "currency": "USD"}}},
    "an agent that is a path": {"cap": None, "agent_caps": {"../x": {"amount": "1", "currency": "USD"}}},
    "no cap": {},
}

BAD_QUERIES = [
    ("/api/agents", "page_size=0"),
    ("/api/agents", "page_size=101"),
    ("/api/agents", "page_size=ten"),
    ("/api/agents", "page_size=10&page_size=20"),
    ("/api/agents", "page_token=nonsense"),
    ("/api/agents", "page_token=W3t9LHt9XQ"),
    ("/api/widgets", "page_token=WyIuLi8uLi94IiwiLi4vLi4veCJd"),
    ("/api/conversations", "page_token=W251bGwsbnVsbF0"),
    ("/api/my-agents", "sort=price"),
    ("/api/my-agents", "status=dead"),
    ("/api/hand-offs", "state=dead"),
    ("/api/leads", "state=dead"),
    ("/api/invoices", "page_token=WzEsMl0"),
    ("/api/payments", "invoice_id=../x"),
    ("/api/billing/usage", "period=0000-01"),
    ("/api/dashboard/activity", "page_token=W10"),
    ("/api/dashboard/search", "q="),
    ("/api/audit-log", "from=yesterday"),
    ("/api/audit-log", "to=2026-11-25T12:00:00"),
    ("/api/billing/usage", "period=9999-12"),
    ("/api/billing/usage", "period=2026-13"),
    ("/api/usage/stats", "from=yesterday"),
    ("/api/usage/stats", "from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&granularity=hour"),
    ("/api/usage/stats", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z"),
    ("/api/usage/stats", "group_by=password"),
]

FORGERIES: dict[str, dict[str, Any]] = {
    "alg none": {},
    "a key of their own": {},
    "another audience": {"aud": "another-project"},
    "another issuer": {"iss": "https://securetoken.google.com/another-project"},
    "an end in the past": {"exp": 1_700_000_000},
    "no end": {"exp": None},
    "a beginning in the future": {"nbf": 4_000_000_000, "iat": 4_000_000_000},
}

PATHS = [
    "/api/agents/..%2fbilling",
    "/api/agents/..%5cbilling",
    "/api/agents/%00",
    "/api/agents/%E2%80%AE",
    "/api/agents/%ff",
    "/api/agents/" + "a" * 3000,
    "/api/agents/agt_" + "0" * 26 + "/../../../etc/passwd",
    "/api/nothing",
    "/api/agents/x/nothing",
    "/events/usage-recorded",
    "/schedules/billing-close",
    "/v1/..%2f..%2fetc/passwd",
    "/v1/w/../../../etc/passwd",
    "/identity/..%2f..%2fetc/passwd",
]


def stolen(version: str) -> dict[str, Any]:
    """A body that each write would take, if the thing were the caller's own."""
    return {
        "/api/agents/{agent}": {"name": "Stolen"},
        "/api/agents/{agent}/chat": {"message": "Hello"},
        "/api/agents/{agent}/rollback": {"version": version},
        "/api/agents/{agent}/knowledge": {"kind": "text", "title": "x", "text": "x"},
        "/api/agents/{agent}/knowledge/{item}": {"kind": "text", "title": "x", "text": "x"},
        "/api/agents/{agent}/knowledge/search": {"question": "x"},
        "/api/conversations/{conversation}/hand-off": {"state": "done"},
        "/api/conversations/{conversation}/lead": {"state": "done"},
        "/api/my-agents/{agent}": {"note": "Stolen"},
        "/api/my-agents/{agent}/status": {"status": "paused"},
        "/api/widgets/{widget}": {"name": "Stolen"},
        "/api/workspace/members/{member}": {"role": "viewer"},
        "/api/workspace/api-keys/{key}": {"name": "Stolen"},
        "/api/workspace/api-keys/{key}/rotate": {},
    }
