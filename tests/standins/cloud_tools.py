"""Stands in for `terraform` and `gcloud` on PATH: small programs over one JSON file that plays the state and the cloud.

`install(folder)` writes both into a folder for PATH. Every call is one line of calls.jsonl. What the file says can be changed
by a test at any time, so that the cloud differs from what the state thinks, as clouds do.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

START: dict[str, Any] = {
    # What the variable files say.
    "variables": {"environment": "dev", "project_id": None, "region": "us-central1", "streaming": False},
    "revision": 1,  # Of the checkout: another one is another plan.
    "applied": None,  # Revision and streaming of the last apply.
    "outputs": {},
    "gateways": {},
    "gateway_mode": "EFFECTIVE_STREAMING_MODE_ENABLED",  # What a new one comes out with.
    "gcloud_refuses": {},  # Verb → what it says.
    "plan_fails": False,
    "apply_waits": False,  # Until it is interrupted.
}


def install(folder: Path, *tools: str) -> None:
    """Put the named tools into `folder`/bin, and their cloud beside."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "cloud.json").write_text(json.dumps(START))
    for tool in tools:
        path = folder / "bin" / tool
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{__file__}" "{folder}" {tool} "$@"\n')
        path.chmod(0o755)


def _terraform(cloud: dict[str, Any], folder: Path, arguments: list[str]) -> int:
    verb = arguments[1]
    variables = dict(cloud["variables"])
    for argument in arguments:
        if argument.startswith("-var="):
            name, _, value = argument.removeprefix("-var=").partition("=")
            variables[name] = value == "true" if name == "streaming" else value
    if verb == "console":
        sys.stdin.read()
        unknown = variables["project_id"] is None
        print("(known after apply)" if unknown else json.dumps(json.dumps(variables)))
    elif verb == "output":
        print(json.dumps({name: {"value": value} for name, value in cloud["outputs"].items()}))
    elif verb == "plan":
        wanted = {"revision": cloud["revision"], "streaming": variables["streaming"]}
        if cloud["plan_fails"] or (variables["streaming"] and "agenthub-streaming" not in cloud["gateways"]):
            print("Error: cannot import what is not there")
            return 1
        file = next(argument for argument in arguments if argument.startswith("-out=")).removeprefix("-out=")
        Path(file).write_text(json.dumps({**wanted, "variables": variables}))
        print(f"the plan of revision {cloud['revision']}")
        return 0 if wanted == cloud["applied"] else 2
    elif verb == "apply":
        if cloud["apply_waits"]:
            _wait_for_interrupt(folder)
            return 1
        plan = json.loads(Path(arguments[-1]).read_text())
        _applied(cloud, plan["variables"], {"revision": plan["revision"], "streaming": plan["streaming"]})
    return 0


def _wait_for_interrupt(folder: Path) -> None:
    """As Terraform: told to stop, it takes longer than a moment to note what it has made."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGALRM})
    print("applying", flush=True)
    signal.sigwait({signal.SIGINT})
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    signal.sigwait({signal.SIGALRM})
    (folder / "state_written").touch()


def _applied(cloud: dict[str, Any], variables: dict[str, Any], what: dict[str, Any]) -> None:
    cloud["applied"] = what
    config = f"projects/123/locations/global/apis/agenthub/configs/c-{what['revision']}"
    cloud["gateways"]["agenthub"] = {"state": "ACTIVE", "apiConfig": config}
    chat = "streaming" if what["streaming"] else "api"
    cloud["outputs"] = {
        "installation": variables,
        "api_url": "https://api.example",
        "chat_url": f"https://{chat}.example",
        "console_url": "https://cdn.example/console",
        "widget_url": "https://cdn.example/v1/widget.js",
        "next_step": "Read docs/deploy.md.",
    }


def _gcloud(cloud: dict[str, Any], arguments: list[str]) -> int:
    verb, name = arguments[2:4]
    gateway = cloud["gateways"].get(name)
    if verb in cloud["gcloud_refuses"]:
        print(f"ERROR: (gcloud) {cloud['gcloud_refuses'][verb]}", file=sys.stderr)
        return 1
    if verb == "create":
        mode = cloud["gateway_mode"]
        cloud["gateways"][name] = {"state": "CREATING"} | ({"effectiveStreamingMode": mode} if mode else {})
    elif gateway is None:
        print("ERROR: (gcloud.api-gateway.gateways.describe) NOT_FOUND: Resource was not found.", file=sys.stderr)
        return 1
    else:
        print(json.dumps(gateway))
        gateway["state"] = {"CREATING": "ACTIVE"}.get(gateway["state"], gateway["state"])
    return 0


def main() -> int:
    """Play one call of one tool."""
    folder, tool, arguments = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    with (folder / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps([tool, *arguments]) + "\n")
    cloud = json.loads((folder / "cloud.json").read_text())
    code = _terraform(cloud, folder, arguments) if tool == "terraform" else _gcloud(cloud, arguments)
    temporary = folder / f"cloud.{os.getpid()}"
    temporary.write_text(json.dumps(cloud))
    temporary.replace(folder / "cloud.json")
    return code


if __name__ == "__main__":
    sys.exit(main())
