"""The ways into the cluster: the gateway's routes for people, and Google's deliveries to the deployments they are for.

Hosts are under example.com; an overlay puts yours in their place. Whatever is not listed is not let in.
"""

from collections.abc import Mapping
from typing import Any

from infra.containers import pods

HOST = "agenthub.example.com"
"""Where people come in; a deployment that Google calls has a host of its own below it."""
_TLS = "agenthub-tls"
_LONGEST_ANSWER = 130


def closed() -> dict[str, Any]:
    """What no other policy opens is closed."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed", "namespace": pods.NAMESPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }


def for_people(contract: Mapping[str, Any]) -> dict[str, Any]:
    """The gateway's routes, by their first two segments; the gateway itself knows each method and parameter."""
    prefixes = sorted({"/".join(path.split("/")[:3]) for path in contract["paths"]})
    return _ingress(pods.GATEWAY, HOST, [(prefix, "Prefix") for prefix in prefixes])


def for_google(catalogue: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One for each deployment that Pub/Sub or Cloud Scheduler calls, with exactly those paths."""
    paths: dict[str, set[str]] = {}
    pushes = [entry["push"] for entry in catalogue["subscriptions"].values() if "push" in entry]
    for entry in (*pushes, *catalogue["schedules"].values()):
        paths.setdefault(entry["deployment"], set()).add(entry["path"])
    return [
        _ingress(name, f"{name}.{HOST}", [(path, "Exact") for path in sorted(found)])
        for name, found in sorted(paths.items())
    ]


def _ingress(name: str, host: str, paths: list[tuple[str, str]]) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": pods.NAMESPACE,
            "annotations": {
                # For ingress-nginx; another controller needs its own words for the same: no buffering, time to answer.
                "nginx.ingress.kubernetes.io/proxy-body-size": "32m",
                "nginx.ingress.kubernetes.io/proxy-buffering": "off",
                "nginx.ingress.kubernetes.io/proxy-read-timeout": str(_LONGEST_ANSWER),
            },
        },
        "spec": {
            "tls": [{"hosts": [host], "secretName": _TLS}],
            "rules": [
                {
                    "host": host,
                    "http": {"paths": [{"path": path, "pathType": kind, "backend": backend} for path, kind in paths]},
                }
            ],
        },
    }
