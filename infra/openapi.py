"""Writes the gateway's contract, api-gateway.yaml, out of the routes that the code declares, and checks it for drift.

`python -m infra.openapi --write` writes api-gateway.yaml and the public contract that dashboard-api shows
(functions/dashboard/openapi.json); `--check` fails when either differs from the code. Addresses and project stay
`${placeholders}`: Terraform and the local gateway fill them.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from functions.shared.http import openapi
from functions.shared.http.routes import DEADLINES, Route, Routes
from functions.shared.identity.authenticate import MACHINE_AUDIENCE, VISITOR_AUDIENCE

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "infra" / "catalogue.yaml"
GATEWAY_FILE = ROOT / "api-gateway.yaml"
PUBLIC_FILE = ROOT / "functions" / "dashboard" / "openapi.json"
FRONT = "dashboard-api"
"""The deployment that answers /health, /openapi.json and /docs for the whole."""

_HEAD = "# Written by `nox -s openapi` from the routes in the code: do not edit. Terraform and serve fill the placeholders.\n"
_ACCOUNT_KEYS = "https://www.googleapis.com/robot/v1/metadata/x509"
_PEOPLE_KEYS = "https://www.googleapis.com/service_accounts/v1/metadata/x509/securetoken@system.gserviceaccount.com"


class Missing(RuntimeError):
    """The catalogue and the code do not fit together; the message says where."""


def declared(catalogue: Path = CATALOGUE) -> list[Routes]:
    """The routes of every deployment in the catalogue, in its order. Raises Missing for one without routes."""
    found = []
    for name, deployment in yaml.load(catalogue.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)[
        "deployments"
    ].items():
        module = importlib.import_module(f"functions.{deployment['folder']}.main")
        routes = getattr(module, "ROUTES", {}).get(deployment["entry_point"])
        api = routes() if callable(routes) else None
        if not isinstance(api, Routes) or api.deployment != name:
            raise Missing(f"functions/{deployment['folder']}/main.py has no ROUTES[{deployment['entry_point']!r}]")
        found.append(api)
    return found


def public_contract(deployments: Sequence[Routes]) -> dict[str, Any]:
    """What people read: every external route, without anything of Google's."""
    return openapi.document(deployments)


def gateway_contract(deployments: Sequence[Routes]) -> dict[str, Any]:
    """What the gateway runs: the routes with backends, issuers, preflights and the front's own paths."""
    document = public_contract(deployments)
    routes = {(route.path, route.method.lower()): route for route in openapi.external(deployments)}
    backends: dict[str, Any] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            route = routes[path, method]
            operation["x-google-backend"] = _backend(backends, route.deployment, route.deadline)
            # The gateway lets every answer pass; which there are is for readers, and its file has a reader who counts lines.
            kept = (str(route.status), "default")
            operation["responses"] = {name: operation["responses"][name] for name in kept}
        item["options"] = _preflight(path, _first(routes, path), backends)
    for path, summary in (
        ("/health", "Whether the platform answers."),
        ("/openapi.json", "The whole contract."),
        ("/docs", "The whole contract as a page."),
    ):
        name = path.strip("/").partition(".")[0]
        document["paths"][path] = {
            "get": {
                "operationId": name,
                "summary": summary,
                "tags": [FRONT],
                "security": [],
                "responses": {"200": {"description": "It worked."}},
                "x-google-backend": _backend(backends, FRONT, "standard"),
            },
            "options": _options(f"preflight_{name}", _backend(backends, FRONT, "standard"), []),
        }
    components = document.pop("components")
    return {
        "openapi": document["openapi"],
        "info": document["info"],
        "x-google-api-management": {"backends": dict(sorted(backends.items()))},
        "security": [{"console": []}],
        "paths": dict(sorted(document["paths"].items())),
        "components": {"securitySchemes": _schemes(), "schemas": components["schemas"]},
    }


def _backend(backends: dict[str, Any], deployment: str, deadline: str) -> str:
    """The name of the backend for a deployment and deadline class; there is no deadline by operation."""
    name = deployment if deadline == "standard" else f"{deployment}-{deadline}"
    address = f"${{{deployment.replace('-', '_')}_url}}"
    backends[name] = {
        "address": address,
        "jwtAudience": address,
        "pathTranslation": "APPEND_PATH_TO_ADDRESS",
        "protocol": "h2",
        "deadline": float(DEADLINES[deadline]),
    }
    return name


def _first(routes: dict[tuple[str, str], Route], path: str) -> Route:
    """The route whose deployment answers the path's preflight; where several serve the path, they must agree on it."""
    here = [route for (at, _), route in sorted(routes.items()) if at == path]
    if len({route.any_origin for route in here}) > 1:
        raise Missing(f"{path} is open to pages of any origin with one method only; a preflight has one answer")
    return here[0]


def _preflight(path: str, route: Route, backends: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in route.parameters
    ]
    name = "_".join(part.strip("{}").replace("-", "_").replace(".", "_") for part in path.strip("/").split("/"))
    return _options(f"preflight_{name}", _backend(backends, route.deployment, "standard"), parameters)


def _options(name: str, backend: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": "CORS preflight.",
        "security": [],
        **({"parameters": parameters} if parameters else {}),
        "responses": {"204": {"description": "What a page may send."}},
        "x-google-backend": backend,
    }


def _schemes() -> dict[str, Any]:
    accounts = "iam.gserviceaccount.com"
    machines, visitors = (f"agenthub-{name}@${{project}}.{accounts}" for name in ("machines", "visitors"))
    return {
        "console": _scheme("https://securetoken.google.com/${project}", _PEOPLE_KEYS, "${project}"),
        "machine": _scheme(machines, f"{_ACCOUNT_KEYS}/{machines}", MACHINE_AUDIENCE),
        "visitor": _scheme(visitors, f"{_ACCOUNT_KEYS}/{visitors}", VISITOR_AUDIENCE),
    }


def _scheme(issuer: str, keys: str, audience: str) -> dict[str, Any]:
    # The gateway's own form; the token is taken from the header only, so that none ends up in a log as a parameter.
    return {
        "type": "oauth2",
        "flows": {"implicit": {"authorizationUrl": "", "scopes": {}}},
        "x-google-auth": {
            "issuer": issuer,
            "jwksUri": keys,
            "audiences": [audience],
            "jwtLocations": [{"header": "Authorization", "valuePrefix": "Bearer "}],
        },
    }


class _Plain(yaml.SafeDumper):
    """YAML without anchors: the gateway allows 200 of them in all."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def gateway_text(deployments: Sequence[Routes]) -> str:
    """api-gateway.yaml as text; the same routes give the same text."""
    body = yaml.dump(
        gateway_contract(deployments), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120, indent=2
    )
    return _HEAD + str(body)


def public_text(deployments: Sequence[Routes]) -> str:
    """functions/dashboard/openapi.json as text."""
    return json.dumps(public_contract(deployments), ensure_ascii=False, indent=1) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; the exit code says whether all is as it should be."""
    parser = argparse.ArgumentParser(description="The gateway's contract out of the routes in the code.")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="write the files")
    task.add_argument("--check", action="store_true", help="fail when a file differs from the code")
    write = parser.parse_args(arguments).write
    deployments = declared()
    differ = False
    for path, text in ((GATEWAY_FILE, gateway_text(deployments)), (PUBLIC_FILE, public_text(deployments))):
        name = path.relative_to(ROOT)
        same = path.exists() and path.read_text(encoding="utf-8") == text
        if write and not same:
            path.write_text(text, encoding="utf-8")
            print(f"{name} written")
        elif not same:
            differ = True
            print(f"{name} differs from the routes in the code: run nox -s openapi", file=sys.stderr)
        else:
            print(f"{name} is up to date")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
