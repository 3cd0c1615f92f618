"""Baseline of a turn: its Firestore round trips alone, by the plain client, with documents of the same size.

One `get_all` of 6, a commit of 2, a commit of 4, a commit of 1; no decision, no model, no publish, no precondition that
could meet a rival.
"""

import secrets
from datetime import UTC, datetime

import flask
import functions_framework
from google.cloud import firestore

client = None
ROW = {f"column_{number}": "a value as long as an id is" for number in range(33)}
TEXT = "We are open Monday to Friday from 8 am to 6 pm. " * 4


@functions_framework.http
def trips(request: flask.Request) -> str:
    """Does them for the workspace, agent and widget that the query names."""
    global client
    client = client or firestore.Client()
    home = client.document(f"workspaces/{request.args['workspace']}")
    turn = secrets.token_hex(26)
    spend = home.collection("spend").document("bare")
    conversation = home.collection("conversations").document(f"bare_{request.args['conversation']}")
    said = conversation.collection("turns").document(turn)
    event = home.collection("events").document(turn)
    agent = request.args["agent"]
    read = [
        *(spend, conversation, said, home.collection("agents").document(agent)),
        *(home.collection("fleet").document(agent), home.collection("widgets").document(request.args["widget"])),
    ]
    for found in client.get_all(read):
        found.to_dict()
    now = datetime.now(UTC)
    held = client.batch()
    held.set(spend, {"holds": {turn: {"amount": 1, "expires_at": now, "row": ROW}}}, merge=True)
    held.set(conversation, {"running": {turn: now}, "title": TEXT}, merge=True)
    held.commit()
    settled = client.batch()
    settled.update(spend, {f"holds.`{turn}`": firestore.DELETE_FIELD, "spent_nanos": firestore.Increment(1)})
    settled.update(conversation, {f"running.`{turn}`": firestore.DELETE_FIELD, "history": [{"answer": TEXT}]})
    settled.create(said, {"answer": TEXT, "sources": [{"text": TEXT}], **ROW})
    settled.create(event, {"row": ROW, "unsent": now, "day": "2000-01-01"})
    settled.commit()
    published = client.batch()
    published.update(event, {"unsent": firestore.DELETE_FIELD})
    published.commit()
    return "done"
