"""People who act in tests of the dashboard: founders, members with a role, and what they look at."""

from typing import Any

from werkzeug.test import TestResponse

from functions.shared import clock
from functions.shared.identity import Role
from tests.functions.dashboard.conftest import People
from tests.functions.rooms import Room, content
from tests.functions.shared.http import callers

ZONE = {"name": "Linden Dental", "currency": "USD", "time_zone": "Europe/Berlin", "country": "DE"}


def founder(room: Room, people: People, **claims: object) -> tuple[callers.Someone, str]:
    """An owner with a fresh workspace, whose token carries it."""
    someone = people.sign_up(**claims)
    workspace = content(room.ask("POST", "/api/workspaces", someone, ZONE))["id"]
    someone.claims["workspace_id"] = workspace
    return someone, workspace


def member(workspace: str, role: Role | str, **claims: Any) -> callers.Someone:
    """Somebody who joined the workspace with this role."""
    someone = callers.person(None, workspace, **{"name": "Bo", "email_verified": True, **claims})
    enter(someone, workspace, role)
    return someone


def enter(someone: callers.Someone, workspace: str, role: Role | str) -> None:
    """Make a person a member, as an accepted invitation does."""
    document = {
        "uid": uid(someone),
        "role": str(role),
        "email": someone.claims["email"],
        "name": someone.claims.get("name", ""),
        "workspace_id": workspace,
        "since": clock.now(),
    }
    callers.write(f"workspaces/{workspace}/members/{uid(someone)}", document)


def uid(someone: callers.Someone) -> str:
    """The person's id."""
    return str(someone.claims["sub"])


def etag(response: TestResponse) -> str:
    """The ETag of an answer, without quotes."""
    found, _ = response.get_etag()
    assert found is not None
    return found


def actions(room: Room, someone: callers.Someone, **query: str) -> list[dict[str, Any]]:
    """The activity that somebody sees, the newest first."""
    text = "&".join(f"{name}={value}" for name, value in {"page_size": "100", **query}.items())
    found: list[dict[str, Any]] = content(room.ask("GET", f"/api/dashboard/activity?{text}", someone))["items"]
    return found
