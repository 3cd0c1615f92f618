"""Runs the system tests that Google wrote for its own Python clients against fresh local engines.

    python -m tests.conformance [firestore|pubsub] [-- pytest arguments]

They are the outside judge of `local.firestore` and `local.pubsub`. The tests come from the source distributions of the
clients, at pinned versions, into a cache folder with an environment of their own; nothing of them is kept here. With
CONFORMANCE_HOST set, that server is tested instead of one that is started.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.engines import ROOT, start

# The suites name these: 2.23.0's async tests override a fixture that later pytest-asyncio no longer has.
REQUIREMENTS = (
    "google-cloud-firestore", "google-cloud-pubsub", "pytest<8.2", "pytest-asyncio==0.21.2", "pytest-subtests<0.15",
    "pytest-timeout", "pytest-xdist", "google-cloud-testutils", "mock", "six", "pyyaml", "flaky", "psutil",
)  # fmt: skip
PROJECT = "sys-test-project"

# Some tests end in a check of a feature that emulators lack, by skipping what they have shown until then.
FIRESTORE_CONFTEST = """
def pytest_collection_modifyitems(items):
    for module in {item.module for item in items}:
        if not hasattr(module, "verify_pipeline"):
            continue
        if module.__name__.endswith("async"):
            async def verify_pipeline(query): return None
        else:
            def verify_pipeline(query): return None
        module.verify_pipeline = verify_pipeline
"""
# The suite asks for a project by default credentials, which an emulator has not.
PUBSUB_CONFTEST = f"""
import google.auth
from google.auth import credentials
google.auth.default = lambda *args, **kwargs: (credentials.AnonymousCredentials(), {PROJECT!r})
"""


@dataclass(frozen=True)
class Suite:
    """The tests of one client: where they are in its source distribution, and how many must pass."""

    distribution: str
    version: str
    source: str
    tests: tuple[str, ...]
    conftest: str
    variable: str
    arguments: tuple[str, ...]
    engine_arguments: tuple[str, ...]
    must_pass: int


SUITES = {
    "firestore": Suite(
        "google-cloud-firestore", "2.23.0", "tests/system", ("test_system.py", "test_system_async.py"),
        FIRESTORE_CONFTEST, "FIRESTORE_EMULATOR_HOST", (), ("--no-index-check",), 402,
    ),
    "pubsub": Suite(
        "google-cloud-pubsub", "2.44.0", "tests/system.py", ("test_system.py",),
        PUBSUB_CONFTEST, "PUBSUB_EMULATOR_HOST", ("-k", "not rest"), (), 16,
    ),
}  # fmt: skip


def environment(cache: Path) -> Path:
    """The Python of the tests' own environment, made on the first call."""
    binary = cache / "venv" / "bin" / "python"
    if not (cache / "venv" / "ready").exists():
        print("Installing Google's clients and their test tools …", flush=True)
        venv.create(cache / "venv", with_pip=True, clear=True)
        subprocess.run([binary, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (cache / "venv" / "ready").touch()
    return binary


def unpacked(suite: Suite, cache: Path, python: Path) -> Path:
    """The folder of a suite's tests, fetched on the first call."""
    folder = cache / f"{suite.distribution}-{suite.version}"
    if not folder.exists():
        print(f"Fetching the tests of {suite.distribution} {suite.version} …", flush=True)
        with tempfile.TemporaryDirectory(dir=cache) as download:
            fetch = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", download]
            subprocess.run([*fetch, f"{suite.distribution}=={suite.version}"], check=True)
            (archive,) = Path(download).glob("*.tar.gz")
            with tarfile.open(archive) as source:
                source.extractall(download, filter="data")
            (root,) = (path for path in Path(download).iterdir() if path.is_dir())
            tests = Path(download) / "tests"
            if (root / suite.source).is_dir():
                shutil.copytree(root / suite.source, tests)
            else:
                tests.mkdir()
                shutil.copy(root / suite.source, tests / suite.tests[0])
            tests.rename(folder)
    (folder / "conftest.py").write_text(suite.conftest, encoding="utf-8")
    return folder


def run(name: str, cache: Path, extra: list[str]) -> bool:
    """Run one suite; True when nothing failed and, without extra arguments, enough has passed."""
    suite = SUITES[name]
    python = environment(cache)
    folder = unpacked(suite, cache, python)
    address = os.environ.get("CONFORMANCE_HOST")
    with tempfile.TemporaryDirectory() as data:
        engine = None if address else start(name, Path(data), *suite.engine_arguments)
        try:
            passed, failed = _pytest(suite, python, folder, address or (engine.address if engine else ""), extra)
        finally:
            if engine is not None:
                engine.kill()
    enough = bool(extra) or passed >= suite.must_pass
    print(f"{name}: {passed} passed, {failed} failed" + ("" if enough else f"; {suite.must_pass} must pass"))
    return enough and not failed


def _pytest(suite: Suite, python: Path, folder: Path, address: str, extra: list[str]) -> tuple[int, int]:
    variables = {
        key: text
        for key, text in os.environ.items()
        if key not in ("GOOGLE_APPLICATION_CREDENTIALS", "FIRESTORE_APPLICATION_CREDENTIALS", "PYTHONPATH")
    }
    variables |= {suite.variable: address, "GCLOUD_PROJECT": PROJECT, "GRPC_VERBOSITY": "ERROR"}
    command = [
        python, "-m", "pytest", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider", "-q", "--tb=short",
        "-n", "1", "--timeout=240", "--timeout-method=thread", "-W", "ignore", *suite.arguments, *extra, *suite.tests,
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=folder, env=variables, stdout=subprocess.PIPE, text=True) as tests:
        assert tests.stdout is not None
        last = ""
        for line in tests.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|error)", last)}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return counts.get("passed", 0), failed or int(tests.returncode != 0)


def main() -> None:
    """Exit 0 when every suite that was asked for passes."""
    parser = argparse.ArgumentParser(description="Google's own client tests against fresh local engines")
    parser.add_argument("engines", nargs="*", choices=[*SUITES, []], help="which engines; all of them by default")
    known, extra = parser.parse_known_args()
    base = os.environ.get("CONFORMANCE_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(base) / "agenthub-conformance"
    cache.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    passed = [run(name, cache, extra) for name in known.engines or SUITES]
    sys.exit(0 if all(passed) else 1)


if __name__ == "__main__":
    main()
