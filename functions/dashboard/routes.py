"""The dashboard's deployment over HTTP: its parts, each declared by its subject."""

from pathlib import Path

from functions.dashboard import home_routes, key_routes, member_routes, webhook_routes, workspace_routes
from functions.shared import firestore
from functions.shared.http import Routes

api = Routes("dashboard-api", contract=Path(__file__).with_name("openapi.json"))
for part in (home_routes, workspace_routes, member_routes, key_routes, webhook_routes):
    api.include(part.api)


@api.check("firestore")
def _firestore() -> None:
    firestore.get("health/dashboard-api")
