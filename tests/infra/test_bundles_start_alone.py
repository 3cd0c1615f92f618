"""A bundle of every folder starts on its own: a process that sees the bundle, what its requirements install, and no more.

That each deployment's bundle starts so is shown where all of them run (test_bundles_answer_their_callers.py).
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
import yaml

from infra import bundle
from local.process import free_port
from tests.infra import exact


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, Path]:
    """Interpreters that have been made, by the requirements that they see."""
    return {}


def python_for(cut: bundle.Bundle, made: dict[bytes, Path], factory: pytest.TempPathFactory) -> Path:
    requirements = cut.files["requirements.txt"]
    if requirements not in made:
        made[requirements] = exact.interpreter(factory.mktemp("environment"), exact.deployed(), requirements.decode())
    return made[requirements]


def environment(deployment: str, port: int) -> dict[str, str]:
    """What the cloud sets and no bundle can do without."""
    address = deployment.upper().replace("-", "_") + "_URL"
    return {
        "DEPLOYMENT": deployment,
        "VERSION": "alone",
        "GOOGLE_CLOUD_PROJECT_ID": "agenthub-alone",
        address: f"http://127.0.0.1:{port}",
    }


FOLDERS = sorted({path.parent.name for path in bundle.ROOT.glob("functions/*/main.py")})


def first_of(folder: str) -> str:
    """A deployment of a folder; all of them have the same files."""
    entries = yaml.load((bundle.ROOT / "infra" / "catalogue.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)[
        "deployments"
    ]
    return next(name for name, entry in entries.items() if entry["folder"] == folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_bundle_answers_alone_without_the_settings_that_it_can_do_without(
    folder: str, pythons: dict[bytes, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    deployment = first_of(folder)
    cut = bundle.cut(deployment)
    port = free_port()
    python = python_for(cut, pythons, tmp_path_factory)
    process = bundle.start(cut, tmp_path, port, environment(deployment, port), str(python))
    try:
        found = answer(process, port, tmp_path / "log")
    finally:
        process.terminate()
        process.wait(10)
    assert (found["status"], found["service"], found["version"]) == ("healthy", deployment, "alone")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_module_of_a_bundle_can_be_imported_alone(
    folder: str, pythons: dict[bytes, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also those that no request has asked for yet, with every import that stands inside a function."""
    cut = bundle.cut(first_of(folder))
    cut.unpack(tmp_path)
    python = python_for(cut, pythons, tmp_path_factory)
    program = [python, "-I", "-c", _IMPORT_ALL, str(tmp_path), folder]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr


_IMPORT_ALL = """
import ast, importlib, pathlib, sys
root, folder = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, str(root))
for path in sorted(root.glob(f"functions/{folder}/**/*.py")):
    parts = path.relative_to(root).with_suffix("").parts
    importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
for name in [name for name in sys.modules if name.startswith("functions.")]:
    for node in ast.walk(ast.parse(pathlib.Path(sys.modules[name].__file__).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level:
            module = importlib.import_module(node.module)
            for alias in node.names:
                hasattr(module, alias.name) or importlib.import_module(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
"""


def test_a_bundle_carries_what_its_code_reads_beside_it() -> None:
    shared = {"functions/shared/prices.yaml", "functions/shared/plans.yaml"}
    for deployment in bundle.deployments():
        assert shared <= bundle.cut(deployment).files.keys()
    assert "functions/agents/models.yaml" in bundle.cut("agents-chat").files
    assert "functions/billing/fonts/NotoSans-Regular.ttf" in bundle.cut("billing-close").files
    assert "functions/dashboard/openapi.json" in bundle.cut("dashboard-api").files


def test_an_environment_sees_what_is_pinned_and_nothing_else(tmp_path: Path) -> None:
    from tests.contracts.installed import installed, site_of

    version = installed(*site_of(exact.deployed()))["google-auth"].version
    python = exact.interpreter(tmp_path, exact.deployed(), f"google-auth=={version}\n")
    program = "import google.auth, sys\ntry:\n import google.cloud\nexcept ImportError: print(sys.path)"
    path = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) in path
    assert str(Path(sys.prefix) / "lib") not in path


def test_a_version_that_is_not_installed_is_no_environment(tmp_path: Path) -> None:
    with pytest.raises(exact.NotInstalled, match="flask"):
        exact.interpreter(tmp_path, exact.deployed(), "flask==0.1\n")


def answer(process: subprocess.Popen[bytes], port: int, log: Path) -> dict[str, str]:
    pause = threading.Event()
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and process.poll() is None:
        try:
            found: dict[str, str] = requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()
            return found
        except requests.ConnectionError:
            pause.wait(0.05)
    raise AssertionError(log.read_text())
