"""Cuts one deployment's archive out of the tree, the same bytes each time, so that only a change is deployed.

An archive has the repository's own paths (so that tracebacks in the cloud name the files of the repository), a main.py
at its root that hands out the entry point, and requirements.txt: `functions/__init__.py`, `functions/shared` and the
deployment's own folder, without tests and READMEs. Its name ends in the hash of its content.

`python -m infra.bundle [deployment …]` writes dist/bundles/<deployment>-<hash>.zip and prints their paths;
dist/bundles/manifest.json says which archive is each deployment's latest, for Terraform.
"""

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent
OUTPUT = ROOT / "dist" / "bundles"
# The earliest time that a zip archive can hold, and what a plain file's mode is.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644
_HASH_LENGTH = 16
_LEFT_OUT = {"__pycache__", "tests"}


class UnknownDeployment(Exception):
    """The catalogue has no such deployment."""


@dataclass(frozen=True)
class Bundle:
    """One deployment's archive: `files` by their path in it, sorted."""

    deployment: str
    entry_point: str
    files: Mapping[str, bytes]

    @property
    def digest(self) -> str:
        """A hash of every path and content; nothing else enters it."""
        whole = hashlib.sha256()
        for path, content in self.files.items():
            whole.update(hashlib.sha256(path.encode()).digest() + hashlib.sha256(content).digest())
        return whole.hexdigest()[:_HASH_LENGTH]

    @property
    def name(self) -> str:
        """The archive's file name."""
        return f"{self.deployment}-{self.digest}.zip"

    def archive(self) -> bytes:
        """The zip: sorted entries, one time, one mode."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, content in self.files.items():
                entry = zipfile.ZipInfo(path, _TIME)
                entry.create_system = 3
                entry.external_attr = _MODE << 16
                # Not compressed: the compressor's bytes change with its version.
                archive.writestr(entry, content, zipfile.ZIP_STORED)
        return buffer.getvalue()

    def unpack(self, folder: Path) -> None:
        """Write the files as the archive would leave them."""
        with zipfile.ZipFile(io.BytesIO(self.archive())) as archive:
            archive.extractall(folder)


def cut(deployment: str, root: Path = ROOT) -> Bundle:
    """The bundle of one deployment of the catalogue. Raises UnknownDeployment."""
    entry = _catalogue(root).get(deployment)
    if entry is None:
        raise UnknownDeployment(deployment)
    folder, entry_point = entry["folder"], entry["entry_point"]
    functions = root / "functions"
    files = {
        "main.py": _main(deployment, folder, entry_point).encode(),
        "requirements.txt": (functions / folder / "requirements.txt").read_bytes(),
        "functions/__init__.py": (functions / "__init__.py").read_bytes(),
    }
    for part in ("shared", folder):
        for path in _sources(functions / part):
            files[path.relative_to(root).as_posix()] = path.read_bytes()
    del files[f"functions/{folder}/requirements.txt"]
    return Bundle(deployment, entry_point, dict(sorted(files.items())))


def deployments(root: Path = ROOT) -> list[str]:
    """Every deployment of the catalogue."""
    return list(_catalogue(root))


def start(
    bundle: Bundle, folder: Path, port: int, environment: Mapping[str, str], python: str = sys.executable
) -> subprocess.Popen[bytes]:
    """Unpack a bundle into `folder` and start it there as the cloud does.

    The process sees the bundle and what `python` has installed, and no other path: neither the current directory nor
    PYTHONPATH. Its environment is `environment` and PATH. Output goes to `folder`/log. The caller ends it.
    """
    source = folder / "source"
    bundle.unpack(source)
    command = [python, "-c", _LAUNCHER, str(source)]
    command += ["--target", bundle.entry_point, "--source", str(source / "main.py"), "--signature-type", "http"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=source,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONNOUSERSITE": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def write(bundle: Bundle, output: Path = OUTPUT) -> Path:
    """Write the archive; one that is there already has the same bytes."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / bundle.name
    path.write_bytes(bundle.archive())
    return path


def note(bundles: Iterable[Bundle], output: Path = OUTPUT) -> Path:
    """Write into the manifest which archives these deployments have now; the others stay as they are noted."""
    path = output / "manifest.json"
    noted = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    noted |= {bundle.deployment: bundle.name for bundle in bundles}
    path.write_text(json.dumps(dict(sorted(noted.items())), indent=1) + "\n", encoding="utf-8")
    return path


# Takes the place of the command line tool, whose script directory and current directory would be on the path.
_LAUNCHER = """
import sys
sys.path[0] = sys.argv.pop(1)
from functions_framework._cli import _cli
_cli()
"""


def _main(deployment: str, folder: str, entry_point: str) -> str:
    return (
        f'"""Hands out the entry point of {deployment} to the functions framework."""\n\n'
        f"from functions.{folder}.main import {entry_point}\n\n"
        f'__all__ = ["{entry_point}"]\n'
    )


def _catalogue(root: Path) -> dict[str, dict[str, str]]:
    return _deployments((root / "infra" / "catalogue.yaml").read_text(encoding="utf-8"))


@cache
def _deployments(catalogue: str) -> dict[str, dict[str, str]]:
    # Cutting every bundle asks for the same catalogue fifteen times, and parsing it is half of the work.
    found: dict[str, dict[str, str]] = yaml.load(catalogue, Loader=yaml.CSafeLoader)["deployments"]
    return found


def _sources(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            if not (_hidden(name) or name.endswith((".pyc", ".pyo")) or name == "README.md"):
                yield Path(place, name)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_OUT


def main() -> None:
    """Cut the bundles of the named deployments, or of all."""
    parser = argparse.ArgumentParser(prog="bundle", description="Cut deployments' archives into dist/bundles.")
    parser.add_argument("deployment", nargs="*")
    for name in parser.parse_args().deployment or deployments():
        try:
            bundle = cut(name)
        except UnknownDeployment:
            sys.exit(f"The catalogue has no deployment {name}; there are: {', '.join(deployments())}.")
        path = write(bundle)
        note([bundle])
        print(f"{path.relative_to(ROOT)}  {len(bundle.files)} files, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
