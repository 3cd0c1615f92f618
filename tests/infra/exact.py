"""An environment that holds exactly what a requirements.txt installs, made of links in a moment and without a network.

The distributions are those of an environment that has them all (requirements.lock), so this shows what a bundle lacks
and takes no time: no download, no copy, and compiled code is found where it is.
"""

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from infra import bundle
from tests.contracts.installed import installed, pinned, site_of

DEPLOYED = "3.13"
"""The Python of the cloud's runtime."""


class NotInstalled(Exception):
    """The environment to link from lacks a pinned distribution, or has another version of it."""


def deployed() -> Path:
    """The interpreter of the cloud's version if nox has made its environment, else the one that runs the tests."""
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != DEPLOYED:
        home = bundle.ROOT / ".nox" / f"py{DEPLOYED}"
        stamp = home / "lock.sha256"
        lock = hashlib.sha256((bundle.ROOT / "requirements.lock").read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == lock:
            return home / "bin" / "python"
    return Path(sys.executable)


def interpreter(folder: Path, base: Path, requirements: str) -> Path:
    """A Python in `folder` that sees the standard library and what `requirements` pins, linked from base's environment.

    `base` is the interpreter of a virtual environment. Raises NotInstalled.
    """
    marker = {name: _ask(base, code) for name, code in _MARKERS.items()}
    wanted = pinned(requirements, marker)
    found = installed(*site_of(base))
    lacking = {name: version for name, version in wanted.items() if name not in found or found[name].version != version}
    if lacking:
        raise NotInstalled(lacking)
    site = folder / "lib" / f"python{marker['python_version']}" / "site-packages"
    site.mkdir(parents=True)
    _link(Path(site_of(base)[0]), site, set(wanted), _owners(base))
    python = folder / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(base.resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {base.resolve().parent}\ninclude-system-site-packages = false\n")
    return python


_MARKERS = {
    "python_version": "'.'.join(map(str, sys.version_info[:2]))",
    "python_full_version": "sys.version.split()[0]",
}


@cache
def _ask(python: Path, expression: str) -> str:
    code = f"import sys; print({expression})"
    return subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@cache
def _owners(base: Path) -> dict[str, set[str]]:
    """Path in site-packages, of a file or of a folder above one → the distributions that have something there."""
    owners: dict[str, set[str]] = {}
    for name, distribution in installed(*site_of(base)).items():
        for file in distribution.files or ():
            parts = file.parts
            if ".." not in parts:
                for count in range(1, len(parts) + 1):
                    owners.setdefault("/".join(parts[:count]), set()).add(name)
    return owners


def _link(source: Path, target: Path, wanted: set[str], owners: dict[str, set[str]], inside: str = "") -> None:
    """Link what is wanted: a folder as a whole where all of it is, else piece by piece."""
    for entry in os.scandir(source):
        path = f"{inside}{entry.name}"
        having = owners.get(path, set())
        if having and having <= wanted:
            (target / entry.name).symlink_to(entry.path)
        elif having & wanted:
            (target / entry.name).mkdir()
            _link(Path(entry.path), target / entry.name, wanted, owners, f"{path}/")
