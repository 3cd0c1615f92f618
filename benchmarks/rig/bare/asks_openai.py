"""Baseline of the chat with an OpenAI-compatible server: its stream handed on, over `requests`, after a Firestore read
if the query names a document.
"""

import os
from collections.abc import Iterator

import flask
import functions_framework
import requests

session = requests.Session()


@functions_framework.http
def asks_openai(request: flask.Request) -> flask.Response:
    """Streams what the model says."""
    if path := request.args.get("path"):
        from google.cloud import firestore

        firestore.Client().document(path).get()
    body = {"model": "any", "messages": [{"role": "user", "content": "Hello"}], "stream": True}

    def chunks() -> Iterator[bytes]:
        url = f"{os.environ['OFFLINE_MODEL_URL']}/chat/completions"
        with session.post(url, json=body, stream=True, timeout=60) as answer:
            yield from answer.iter_lines(chunk_size=1)

    return flask.Response(chunks(), mimetype="text/event-stream")
