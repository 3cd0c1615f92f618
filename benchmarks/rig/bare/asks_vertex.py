"""Baseline of the chat with Vertex AI: its stream handed on, over google-genai."""

import os
from collections.abc import Iterator

import flask
import functions_framework
from google import genai

client = None


@functions_framework.http
def asks_vertex(request: flask.Request) -> flask.Response:
    """Streams what the model says. The client is made on the first call, as a forked worker needs it."""
    global client
    client = client or genai.Client(
        vertexai=True,
        project=os.environ["GOOGLE_CLOUD_PROJECT"],
        location="global",
        http_options=genai.types.HttpOptions(api_version="v1", base_url=os.environ["VERTEX_URL"]),
    )
    limit = genai.types.GenerateContentConfig(max_output_tokens=512)
    stream = client.models.generate_content_stream(model="gemini-3.5-flash-lite", contents="Hello", config=limit)

    def chunks() -> Iterator[str]:
        for chunk in stream:
            yield f"data: {chunk.text}\n\n"

    return flask.Response(chunks(), mimetype="text/event-stream")
