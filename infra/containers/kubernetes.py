"""Writes the Kubernetes kustomization out of the catalogue, because the original system ran on a cluster too.

The cluster takes Cloud Run's and API Gateway's place; Firestore, Pub/Sub, BigQuery and Identity Platform stay Google's.
So each pod has, beside the function, the front that checks who calls (functions believe a token that somebody before them
has verified, hence listen inside their pod only), and `gateway` stands before all, running api-gateway.yaml.

`python -m infra.containers.kubernetes --write` writes infra/containers/cluster/; `--check` fails when it differs.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.containers import doors, pods

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "infra" / "catalogue.yaml"
CONTRACT = ROOT / "api-gateway.yaml"
CLUSTER = ROOT / "infra" / "containers" / "cluster"
SETTINGS = "settings.env"
_HEAD = "# Written by `python -m infra.containers.kubernetes --write` from infra/catalogue.yaml: do not edit.\n"


class _Plain(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def files(catalogue: Mapping[str, Any], contract: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Every generated file by name, as its documents; the same inputs give the same files."""
    deployments = catalogue["deployments"]
    found = {f"{name}.yaml": pods.of_deployment(name, catalogue) for name in deployments}
    found["gateway.yaml"] = pods.of_gateway(deployments)
    found["doors.yaml"] = [doors.closed(), doors.for_people(contract), *doors.for_google(catalogue)]
    found["namespace.yaml"] = [pods.namespace()]
    found["kustomization.yaml"] = [_kustomization(sorted(found), deployments)]
    return found


def _kustomization(resources: Sequence[str], deployments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": pods.NAMESPACE,
        "labels": [{"pairs": {"app.kubernetes.io/part-of": "agenthub"}}],
        "resources": list(resources),
        # settings.env is yours; a change of it rolls every pod, since the map's name carries its hash.
        "configMapGenerator": [{"name": pods.SETTINGS, "envs": [SETTINGS]}],
        "images": [
            {"name": name, "newName": f"registry.example.com/{name}", "newTag": "1"}
            for name in (pods.EDGE_IMAGE, *(pods.image(name) for name in deployments))
        ],
    }


def text(documents: Sequence[dict[str, Any]]) -> str:
    """One file as text."""
    parts = [
        str(yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120))
        for document in documents
    ]
    return _HEAD + "---\n".join(parts)


def written() -> dict[Path, str]:
    """What should stand in infra/containers/cluster, by path."""
    catalogue = yaml.load(CATALOGUE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    contract = yaml.load(CONTRACT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {CLUSTER / name: text(documents) for name, documents in files(catalogue, contract).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check; the exit code says whether all is as it should be."""
    parser = argparse.ArgumentParser(
        prog="kubernetes", description="The Kubernetes kustomization out of the catalogue."
    )
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--write", action="store_true", help="write the files")
    task.add_argument("--check", action="store_true", help="fail when a file differs from the catalogue")
    write = parser.parse_args(arguments).write
    wanted = written()
    stale = [path for path in sorted(CLUSTER.glob("*.yaml")) if path not in wanted]
    differ = [path for path, content in wanted.items() if not path.exists() or path.read_text("utf-8") != content]
    for path in differ + stale:
        print(f"{path.relative_to(ROOT)} {'written' if write else 'differs from the catalogue'}")
    if write:
        CLUSTER.mkdir(parents=True, exist_ok=True)
        for path in stale:
            path.unlink()
        for path in differ:
            path.write_text(wanted[path], encoding="utf-8")
        return 0
    return 1 if differ or stale else 0


if __name__ == "__main__":
    sys.exit(main())
