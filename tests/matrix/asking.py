"""Fills in a route's request: its path with ids, and a query and body that it takes, so that only who asks decides."""

import io
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pydantic
from PIL import Image
from werkzeug.test import TestResponse

from functions.shared import clock
from functions.shared.http.messages import Json, Raw
from functions.shared.http.routes import Route
from functions.shared.identity import Caller
from tests.matrix.business import KINDS, SHARED, Business
from tests.matrix.city import ROUTES, City, Who

BODIES: dict[str, dict[str, Any]] = {
    "AgentTurn": {"message": "When are you open?"},
    "VisitorTurn": {"message": "When are you open?"},
    "LeadRequest": {"name": "Eva", "email": "eva@example.com", "consent": "Call me."},
    "Feedback": {"stars": 5},
    "Rollback": {"version": "ver_0"},
    "NewItem": {"kind": "text", "title": "Parking", "text": "Behind the house."},
    "Question": {"question": "When are you open?"},
    "Handling": {"state": "taken"},
    "ExportRequest": {"agents": ["agt_0"]},
    "NewAgent": {"definition": {"name": "Mia"}},
    "Bulk": {"action": "archive", "ids": ["agt_0"], "dry_run": True},
    "StatusChange": {"status": "paused"},
    "NewWidget": {"agent_id": "agt_0"},
    "PlanChoice": {"plan": "pay_as_you_go"},
    "BudgetsChange": {"cap": None},
    "Profile": {"name": "Linden Dental"},
    "NewPayment": {"invoice_id": "inv_" + "0" * 26, "amount": {"amount": "1", "currency": "USD"}},
    "Simulate": {"plan": "starter"},
    "NewPlan": {
        "plan": "gold",
        "plan_version": "gold-1",
        "name": "Gold",
        "effective_from": clock.to_text(clock.now() + timedelta(days=30)),
        "currency": "USD",
        "cost_plus": "0.1",
    },
    "NewCheckout": {"credit": {"amount": "10", "currency": "USD"}},
    "NewCredit": {"amount": {"amount": "1", "currency": "USD"}, "reason": "Welcome"},
    "NewCreditNote": {"lines": [{"line_id": "lin_" + "0" * 26, "reason": "Wrong"}]},
    "WriteOff": {"reason": "Insolvent"},
    "UsageReport": {"output_tokens": 20, "reason": "The provider's bill"},
    "Suspension": {"suspended": False, "reason": "Paid"},
    "NewWorkspace": {"name": "Branch"},
    "Closing": {"name": "another name"},
    "MemberChange": {"role": "viewer"},
    "NewInvitation": {"email": "dee@example.com"},
    "NewApiKey": {"name": "Till"},
    "NewExport": {"kind": "payments"},
    "NewWebhook": {"url": "https://example.com/hook", "types": ["invoice.issued"]},
}
"""A body for each model that does not take an empty object."""
QUERIES = {"SearchQuery": {"q": "mia"}, "Subject": {"subject": "user-1"}}


def _picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "PNG")
    return made.getvalue()


FILES = {
    "application/json": b"{}",
    "application/yaml": b"name: Mia\nmodel: {provider: offline, id: offline-extractive}\n",
    "text/plain": b"Behind the house.",
    "application/pdf": b"%PDF-1.4 nothing",
    "image/png": _picture(),
    "application/x-www-form-urlencoded": b"grant_type=client_credentials",
}
"""A body for the first content type that a route of files takes."""


def title(key: tuple[str, str, str]) -> str:
    """How a route is called in the list of tests."""
    return " ".join(key)


def external() -> list[tuple[str, str, str]]:
    """The routes that the gateway leads to."""
    return [key for key, route in ROUTES.items() if route.external]


def nobody(kind: str) -> str:
    """A well-formed id of a kind in KINDS that names nothing anywhere."""
    prefix = KINDS[kind]
    if kind == "conversation":
        return f"{prefix}_{'a' * 52}"
    if kind == "token":
        return f"{prefix}_{'0' * 26}.{'a' * 43}"
    return f"{prefix}_{'0' * 26}"


def filled(route: Route, ids: Mapping[str, str]) -> str:
    """The route's path with these ids in it, and what SHARED says for everybody's things."""
    return route.path.format_map({**SHARED, **ids})


def named(route: Route) -> tuple[str, ...]:
    """The path's parameters that stand for something of a workspace. An unknown one belongs into KINDS or SHARED."""
    unknown = set(route.parameters) - set(KINDS) - set(SHARED)
    assert not unknown, f"{route.method} {route.path}: say in tests/matrix/business.py what {unknown} stands for"
    return tuple(name for name in route.parameters if name in KINDS)


def body_of(route: Route) -> tuple[Any, str]:
    """A body that the route takes, and its content type. A model that no sample fits belongs into BODIES."""
    if route.body is None:
        return None, "application/json"
    if issubclass(route.body, Json):
        return {}, "application/json"
    if issubclass(route.body, Raw):
        kind = next((kind for kind in ("text/plain", *route.accepts) if kind in route.accepts and kind in FILES), "")
        assert kind, f"{route.method} {route.path}: a sample of {route.accepts} belongs into FILES"
        return FILES[kind], kind
    sample = BODIES.get(route.body.__name__, {})
    try:
        route.body.model_validate_json(json.dumps(sample))
    except pydantic.ValidationError as error:
        raise AssertionError(
            f"a sample of {route.body.__name__} belongs into tests/matrix/asking.py: {error}"
        ) from error
    return sample, "application/json"


def query_of(route: Route) -> dict[str, str]:
    """The query parameters that the route demands."""
    if route.query is None:
        return {}
    sample = QUERIES.get(route.query.__name__, {})
    try:
        route.query.model_validate(sample)
    except pydantic.ValidationError as error:
        raise AssertionError(
            f"a sample of {route.query.__name__} belongs into tests/matrix/asking.py: {error}"
        ) from error
    return sample


def asks_of(route: Route, us: Business) -> Who:
    """The strongest of a workspace's people who may use the route."""
    if Caller.OPERATOR in route.callers:
        return Who("an operator", {**(us.owner.claims or {}), "operator": True})
    if route.public:
        return Who("anybody")
    return us.guest if Caller.VISITOR in route.callers else us.owner


def references(model: type[pydantic.BaseModel] | None) -> Iterator[tuple[str, str, bool]]:
    """The fields of a body or query that name something: field, kind and whether it is a list."""
    for field in model.model_fields if model is not None and issubclass(model, pydantic.BaseModel) else ():
        kind = {"against": "version", "agents": "agent", "ids": "agent"}.get(field, field.removesuffix("_id"))
        if kind in KINDS and (field.endswith("_id") or field in ("against", "agents", "ids", "version")):
            yield field, kind, field in ("agents", "ids")


def ask(
    city: City,
    route: Route,
    who: Who,
    ids: Mapping[str, str],
    *,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    **headers: str,
) -> TestResponse:
    """One well-formed request of the route by somebody; `body` in place of the sample."""
    sample, media_type = body_of(route)
    sent = {"If_Match": '"0"', "Accept": "application/json", **headers}
    if Caller.SCHEDULER in route.callers:
        sent["X_CloudScheduler_ScheduleTime"] = "2026-11-28T00:00:00Z"
    parameters = {**query_of(route), **(query or {})}
    path = filled(route, ids) + "".join(
        f"{'&' if number else '?'}{name}={value}" for number, (name, value) in enumerate(parameters.items())
    )
    content = sample if body is None else body
    return city.ask(route.deployment, route.method, path, who, content, media_type=media_type, **sent)
