"""A tiny function for tests of gateway, front and supervisor: it tells what it was sent, streams, and can crash."""

import os
import threading

import flask
import functions_framework

_left = []


@functions_framework.http
def echo(request: flask.Request) -> flask.typing.ResponseReturnValue:
    path = request.path.rstrip("/")
    if path == "/health":
        return {"status": "healthy", "service": os.environ["DEPLOYMENT"]}
    if path == "/crash":
        os._exit(3)
    if path == "/slow":
        threading.Event().wait(float(request.args["seconds"]))
        return {"slept": True}
    if path == "/stream":
        return flask.Response(_stream(), mimetype="text/event-stream")
    if path == "/left":
        return {"left": len(_left)}
    return {
        "method": request.method,
        "path": request.full_path.rstrip("?"),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "body": request.get_data(as_text=True)[:100],
        "size": len(request.get_data()),
        "deployment": os.environ["DEPLOYMENT"],
        "environment": {k: v for k, v in os.environ.items() if k.isupper() and "KEY" not in k},
    }


def _stream():
    try:
        for number in range(600):
            yield f"data: {number}\n\n"
            threading.Event().wait(0.05)
    finally:
        _left.append(True)


@functions_framework.http
def ticked(request: flask.Request) -> flask.typing.ResponseReturnValue:
    if request.path == "/schedules/dashboard-relay":
        print("ticked at", request.headers["X-CloudScheduler-ScheduleTime"], flush=True)
    return {"status": "healthy"}
