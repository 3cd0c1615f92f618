"""Baseline of an API's first answer: one document read from Firestore, shown as JSON."""

import flask
import functions_framework
from google.cloud import firestore

client = None


@functions_framework.http
def reads(request: flask.Request) -> flask.Response:
    """Reads the document that the query names. The client is made on the first call, as a forked worker needs it."""
    global client
    client = client or firestore.Client()
    return flask.jsonify(client.document(request.args["path"]).get().get("name"))
