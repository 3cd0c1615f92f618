"""Baseline of the fleet's list: the same documents read with the plain client, and their number as the answer."""

import flask
import functions_framework
from google.cloud import firestore

client = None
LISTED = ("name", "industry", "model", "published_version", "published_number", "created_at", "updated_at")


@functions_framework.http
def fleet(request: flask.Request) -> str:
    """Reads the workspace, its agents without their definitions, its fleet, and two rollups."""
    global client
    client = client or firestore.Client()
    home = client.collection("workspaces").document(request.args["workspace"])
    home.get()
    agents = list(home.collection("agents").select(LISTED).limit(1000).stream())
    fleet = list(home.collection("fleet").limit(1000).stream())
    rollups = home.collection("rollups")
    days = list(client.get_all([rollups.document("day_2026-11-25"), rollups.document("month_2026-11")]))
    return str(len(agents) + len(fleet) + len(days))
