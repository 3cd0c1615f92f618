"""What runs in the cluster: a deployment's pod of function and front, the gateway's pod, and what scales them."""

from collections.abc import Mapping
from typing import Any

NAMESPACE = "agenthub"
SETTINGS = "agenthub-settings"
"""The config map that holds what every pod may know: project, addresses, buckets."""
EDGE_IMAGE = "agenthub-edge"
PROJECT = "GOOGLE_CLOUD_PROJECT_ID"
GATEWAY = "gateway"
# The function listens inside its pod only; the front is the pod's door.
_FUNCTION_PORT, _DOOR_PORT = 8081, 8080
_USER = 10001
_CREDENTIALS = "/var/run/agenthub"
_TMP = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - a file system of the container's own
_EDGE_CPU, _EDGE_MEMORY = "50m", "128Mi"
_CPU_TARGET = 60
_HEALTH = "import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/health', timeout=4)"


def image(deployment: str) -> str:
    """The name of a deployment's image."""
    return f"agenthub-{deployment}"


def address(deployment: str) -> str:
    """Where a deployment is called inside the cluster, which is also the audience of tokens for it."""
    return f"http://{deployment}.{NAMESPACE}.svc.cluster.local"


def account(name: str) -> str:
    """A service account's e-mail; Kubernetes fills the project in."""
    return f"agenthub-{name}@$({PROJECT}).iam.gserviceaccount.com"


def namespace() -> dict[str, Any]:
    """The namespace, closed to pods that are not restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def of_deployment(name: str, catalogue: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Service account, Deployment, Service, autoscaler and network policy of a deployment."""
    entry = catalogue["deployments"][name]
    pod = _pod(name, [_function(name, catalogue), _front(name, entry)], entry["timeout"])
    return [
        _service_account(name),
        _deployment(name, pod),
        _service(name),
        _autoscaler(name, entry["max_instances"]),
        _policy(name, entry["callers"]),
    ]


def of_gateway(deployments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same for the gateway, which the ingress controller alone calls."""
    command = ["python", "-m", "local.gateway", "--host", "0.0.0.0", "--port", str(_DOOR_PORT)]
    command += ["--contract", "api-gateway.yaml", "--project", f"$({PROJECT})", "--public-url", "$(PUBLIC_URL)"]
    command += ["--credentials", f"{_CREDENTIALS}/key.json"]
    command += [f"--address={name}={address(name)}" for name in deployments]
    container = {
        **_edge("gateway", command),
        "env": [_from_settings(PROJECT), _from_settings("PUBLIC_URL")],
        "resources": _resources("250m", "1", "256Mi"),
    }
    container["volumeMounts"].append({"name": "credentials", "mountPath": _CREDENTIALS, "readOnly": True})
    longest = max(entry["timeout"] for entry in deployments.values() if entry["trigger"] == "gateway")
    pod = _pod(GATEWAY, [container], longest)
    return [
        _service_account(GATEWAY),
        _deployment(GATEWAY, pod),
        _service(GATEWAY),
        _autoscaler(GATEWAY, 10),
        _policy(GATEWAY, ["people"]),
    ]


def _function(name: str, catalogue: Mapping[str, Any]) -> dict[str, Any]:
    """The function's own container: the names that Terraform sets in the cloud, with the cluster's values."""
    entry = catalogue["deployments"][name]
    health = {"exec": {"command": ["python", "-c", _HEALTH.format(port=_FUNCTION_PORT)]}, "timeoutSeconds": 5}
    plain = {
        "DEPLOYMENT": name,
        "HOST": "127.0.0.1",
        "PORT": str(_FUNCTION_PORT),
        "THREADS": str(entry["concurrency"]),
        "WORKERS": "1",
        "CLOUD_RUN_TIMEOUT_SECONDS": str(entry["timeout"]),
        "CALLERS": ",".join(account(caller) for caller in entry["callers"]),
        "GOOGLE_APPLICATION_CREDENTIALS": f"{_CREDENTIALS}/key.json",
        **{f"{other.upper().replace('-', '_')}_URL": address(other) for other in catalogue["deployments"]},
    }
    secrets = [
        {
            "name": secret["setting"],
            "valueFrom": {"secretKeyRef": {"name": f"agenthub-{key}", "key": "value", "optional": True}},
        }
        for key, secret in (catalogue.get("secrets") or {}).items()
        if name in secret["deployments"]
    ]
    return {
        "name": "function",
        "image": image(name),
        "envFrom": [{"configMapRef": {"name": SETTINGS}}],
        # $(…) sees what stands before it in this list, and nothing of envFrom.
        "env": [_from_settings(PROJECT), *({"name": key, "value": value} for key, value in plain.items()), *secrets],
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 30},
        "readinessProbe": {**health, "periodSeconds": 15},
        "livenessProbe": {**health, "periodSeconds": 30, "failureThreshold": 3},
        "resources": _resources("250m", str(entry["cpu"]), entry["memory"]),
        "securityContext": _closed(),
        "volumeMounts": [
            _TMP,
            {"name": "credentials", "mountPath": _CREDENTIALS, "readOnly": True},
        ],
    }


def _front(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The door: lets in whom Cloud Run's IAM would let in."""
    command = ["python", "-m", "local.supervisor.front", "--name", name, "--host", "0.0.0.0"]
    command += ["--port", str(_DOOR_PORT), "--upstream", f"http://127.0.0.1:{_FUNCTION_PORT}"]
    command += ["--audience", address(name), "--seconds", str(entry["timeout"])]
    command += [f"--caller={account(caller)}" for caller in entry["callers"]]
    return {
        **_edge("front", command),
        "env": [_from_settings(PROJECT)],
        "resources": _resources(_EDGE_CPU, "500m", _EDGE_MEMORY),
    }


def _edge(name: str, command: list[str]) -> dict[str, Any]:
    probe = {"tcpSocket": {"port": "http"}}
    return {
        "name": name,
        "image": EDGE_IMAGE,
        "command": command,
        "ports": [{"name": "http", "containerPort": _DOOR_PORT}],
        "readinessProbe": {**probe, "periodSeconds": 10},
        "livenessProbe": {**probe, "periodSeconds": 30},
        "securityContext": _closed(),
        "volumeMounts": [_TMP],
    }


def _pod(name: str, containers: list[dict[str, Any]], seconds: int) -> dict[str, Any]:
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # A turn that is being answered may end.
        "terminationGracePeriodSeconds": seconds + 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": containers,
        "volumes": [
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
            {"name": "credentials", "secret": {"secretName": f"agenthub-{name}-credentials", "defaultMode": 0o440}},
        ],
    }


def _closed() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _resources(cpu: str, most: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": most, "memory": memory}}


def _from_settings(name: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"configMapKeyRef": {"name": SETTINGS, "key": name}}}


def labels(name: str) -> dict[str, str]:
    """What tells the pods of one deployment from all others."""
    return {"app.kubernetes.io/name": name}


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": NAMESPACE, "labels": labels(name)}


def _service_account(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(name),
        "automountServiceAccountToken": False,
    }


def _deployment(name: str, pod: dict[str, Any]) -> dict[str, Any]:
    # No number of replicas: the autoscaler has it.
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name),
        "spec": {
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": labels(name)},
            "template": {"metadata": {"labels": labels(name)}, "spec": pod},
        },
    }


def _service(name: str) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    spec = {"selector": labels(name), "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name), "spec": spec}


def _autoscaler(name: str, most: int) -> dict[str, Any]:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _metadata(name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": most,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": _CPU_TARGET}},
                }
            ],
        },
    }


def _policy(name: str, callers: list[str]) -> dict[str, Any]:
    """Who may open a connection: the pods of the callers; for people and Google, whatever ingress controller there is."""
    outside = {"people", "push", "scheduler"}
    inside = [{"podSelector": {"matchLabels": labels(caller)}} for caller in callers if caller not in outside]
    anywhere: list[dict[str, Any]] = [{"namespaceSelector": {}}] if outside & set(callers) else []
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(name),
        "spec": {
            "podSelector": {"matchLabels": labels(name)},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [*inside, *anywhere], "ports": [{"port": _DOOR_PORT, "protocol": "TCP"}]}],
        },
    }
