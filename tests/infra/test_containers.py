"""The containers: what the Dockerfile copies exists, Compose is closed, and the cluster follows from the catalogue."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from infra.containers import doors, kubernetes, pods

FOLDER = kubernetes.ROOT / "infra" / "containers"
CATALOGUE = yaml.load(kubernetes.CATALOGUE.read_text("utf-8"), Loader=yaml.CSafeLoader)
DEPLOYMENTS = CATALOGUE["deployments"]
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")


@cache
def everything() -> list[dict[str, Any]]:
    paths = sorted(kubernetes.CLUSTER.glob("*.yaml"))
    return [
        d
        for path in paths
        for d in yaml.load_all(path.read_text("utf-8"), yaml.CSafeLoader)
        if "name" in d.get("metadata", {})
    ]


def documents(kind: str) -> dict[str, dict[str, Any]]:
    return {d["metadata"]["name"]: d for d in everything() if d["kind"] == kind}


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name, deployment in documents("Deployment").items():
        pod = deployment["spec"]["template"]["spec"]
        for container in pod["containers"]:
            yield name, pod, container


def test_the_cluster_is_what_the_catalogue_says() -> None:
    written = kubernetes.written()
    for path, content in written.items():
        assert path.read_text("utf-8") == content, "run python -m infra.containers.kubernetes --write"
    assert {path.name for path in kubernetes.CLUSTER.iterdir()} == {
        *(path.name for path in written),
        kubernetes.SETTINGS,
    }
    assert kubernetes.main(["--check"]) == 0


def test_every_deployment_has_all_that_it_needs_and_nothing_is_left_over() -> None:
    everything = {*DEPLOYMENTS, pods.GATEWAY}
    for kind in ("Deployment", "Service", "ServiceAccount", "HorizontalPodAutoscaler"):
        assert set(documents(kind)) == everything, kind
    assert set(documents("NetworkPolicy")) == {*everything, "closed"}
    resources = yaml.load((kubernetes.CLUSTER / "kustomization.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)[
        "resources"
    ]
    assert {*resources, "kustomization.yaml", kubernetes.SETTINGS} == {p.name for p in kubernetes.CLUSTER.iterdir()}


def test_no_container_has_rights_or_a_writable_root() -> None:
    for name, pod, container in containers():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 10000
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "livenessProbe" in container
        assert "readinessProbe" in container
        assert set(container["resources"]) == {"requests", "limits"}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_function_listens_inside_its_pod_and_its_front_lets_in_the_catalogue_s_callers(name: str) -> None:
    entry = DEPLOYMENTS[name]
    pod = documents("Deployment")[name]["spec"]["template"]["spec"]
    function, front = pod["containers"]
    environment = {one["name"]: one.get("value") for one in function["env"]}
    assert environment["HOST"] == "127.0.0.1"
    assert "ports" not in function
    assert environment["THREADS"] == str(entry["concurrency"])
    assert function["resources"]["limits"]["memory"] == entry["memory"]
    assert set(environment["CALLERS"].split(",")) == {pods.account(caller) for caller in entry["callers"]}
    allowed = {word.partition("=")[2] for word in front["command"] if word.startswith("--caller=")}
    assert allowed == set(environment["CALLERS"].split(","))
    words = front["command"]
    assert words[words.index("--upstream") + 1] == f"http://127.0.0.1:{environment['PORT']}"
    assert words[words.index("--audience") + 1] == environment[f"{name.upper().replace('-', '_')}_URL"]
    most = documents("HorizontalPodAutoscaler")[name]["spec"]["maxReplicas"]
    assert most == entry["max_instances"]


def test_what_kubernetes_fills_in_stands_before_its_use() -> None:
    for _, _, container in containers():
        known: set[str] = set()
        for variable in container.get("env", []):
            assert set(re.findall(r"\$\((\w+)\)", variable.get("value") or "")) <= known
            known.add(variable["name"])
        assert set(re.findall(r"\$\((\w+)\)", " ".join(container.get("command", [])))) <= known


def test_secrets_are_named_and_never_written() -> None:
    assert documents("Secret") == {}
    for name, pod, _ in containers():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert volumes["credentials"]["secret"]["secretName"] == f"agenthub-{name}-credentials"
    catalogue = {**CATALOGUE, "secrets": {"a-key": {"setting": "A_KEY", "deployments": ["agents-chat"]}}}
    found = pods.of_deployment("agents-chat", catalogue)[1]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert found[-1]["valueFrom"]["secretKeyRef"] == {"name": "agenthub-a-key", "key": "value", "optional": True}
    assert "A_KEY" not in str(pods.of_deployment("agents-api", catalogue))


def test_people_come_in_by_the_gateway_and_google_by_exact_paths() -> None:
    ingresses = documents("Ingress")
    pushed = {
        (entry["push"]["deployment"], entry["push"]["path"])
        for entry in CATALOGUE["subscriptions"].values()
        if "push" in entry
    }
    scheduled = {(entry["deployment"], entry["path"]) for entry in CATALOGUE["schedules"].values()}
    let_in = set()
    for name, ingress in ingresses.items():
        (rule,) = ingress["spec"]["rules"]
        for path in rule["http"]["paths"]:
            assert path["backend"]["service"]["name"] == name
            if name != pods.GATEWAY:
                assert path["pathType"] == "Exact"
                let_in.add((name, path["path"]))
    assert let_in == pushed | scheduled
    people = ingresses[pods.GATEWAY]["spec"]["rules"][0]["http"]["paths"]
    contract = yaml.load(kubernetes.CONTRACT.read_text("utf-8"), Loader=yaml.CSafeLoader)
    prefixes = [path["path"] for path in people]
    for path in contract["paths"]:
        assert any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes), path
    assert {ingress["spec"]["rules"][0]["host"] for ingress in ingresses.values()} == {
        doors.HOST,
        *(f"{name}.{doors.HOST}" for name, _ in let_in),
    }


def test_only_who_may_call_a_deployment_can_reach_it() -> None:
    policies = documents("NetworkPolicy")
    assert policies["closed"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    for name, entry in DEPLOYMENTS.items():
        (rule,) = policies[name]["spec"]["ingress"]
        pods_of = {
            source["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            for source in rule["from"]
            if "podSelector" in source
        }
        assert pods_of == set(entry["callers"]) - {"push", "scheduler"}
        assert ({"namespaceSelector": {}} in rule["from"]) == bool({"push", "scheduler"} & set(entry["callers"]))


def test_an_image_s_command_finds_its_entry_point() -> None:
    for name, entry in DEPLOYMENTS.items():
        assert entry["entry_point"] == name.replace("-", "_")


def test_what_the_dockerfile_copies_is_there_and_reaches_the_builder() -> None:
    ignore = (FOLDER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    for line in DOCKERFILE.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (kubernetes.ROOT / source).exists(), source
                assert source.partition("/")[0] in sent, source


def test_every_image_runs_as_an_ordinary_user_with_pinned_and_hashed_packages() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
    final = {re.search(r" AS (\S+)", stage.splitlines()[0])[1]: stage for stage in stages[1:]}  # type: ignore[index]
    for name in ("function", "edge", "local"):
        assert "USER 10001:10001" in final[name], name
        assert "pip install" not in final[name], name
    assert DOCKERFILE.count("pip install") == DOCKERFILE.count("--require-hashes") == 3
    assert "PYTHON_IMAGE=python:3.13-slim" in DOCKERFILE
    for name in ("edge", "local"):
        assert "--hash=sha256:" in (FOLDER / f"{name}.txt").read_text("utf-8")


def test_compose_keeps_its_state_in_a_volume_and_its_port_on_this_machine() -> None:
    compose = yaml.load((FOLDER / "compose.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    (service,) = compose["services"].values()
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["volumes"] == ["state:/state"]
    assert "state" in compose["volumes"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    build = service["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).resolve() == FOLDER / "Dockerfile"
    assert f" AS {build['target']}\n" in DOCKERFILE
    assert '"--state", "/state"' in DOCKERFILE


def test_the_packages_of_the_edge_image_are_enough_for_gateway_and_front() -> None:
    named = set(re.findall(r"^([a-z0-9-]+)==", (FOLDER / "edge.txt").read_text("utf-8"), flags=re.MULTILINE))
    code = """
import sys, importlib.metadata as m
import local.gateway.__main__, local.supervisor.front
owners = m.packages_distributions()
tops = {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(*sorted({owner for top in tops for owner in owners.get(top, ())}))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=kubernetes.ROOT, capture_output=True, text=True, check=True)
    loaded = {re.sub(r"[-_.]+", "-", name).lower() for name in done.stdout.split()}
    assert loaded <= named, f"in the edge group of pyproject.toml are missing: {loaded - named}"
