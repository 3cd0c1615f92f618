"""Bundles: nothing but what the deployment needs, the same bytes each time, and alive on their own."""

import io
import json
import os
import shutil
import stat
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
import requests

from infra import bundle
from local.process import free_port

CATALOGUE = """
deployments:
  greeter-api: { folder: greeter, entry_point: greeter_api }
  greeter-night: { folder: greeter, entry_point: greeter_night }
"""
MAIN = """
import flask
import functions_framework
from functions.greeter.words import greeting
from functions.shared.name import NAME

@functions_framework.http
def greeter_api(request: flask.Request) -> str:
    import sys
    return "\\n".join([greeting(NAME), *sys.path])

@functions_framework.http
def greeter_night(request: flask.Request) -> str:
    return "good night"
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "infra/catalogue.yaml": CATALOGUE,
        "functions/__init__.py": "",
        "functions/shared/__init__.py": "",
        "functions/shared/name.py": "NAME = 'world'\n",
        "functions/shared/README.md": "not in a bundle",
        "functions/shared/__pycache__/name.cpython-311.pyc": "not in a bundle",
        "functions/greeter/__init__.py": "",
        "functions/greeter/main.py": MAIN,
        "functions/greeter/words.py": "def greeting(name):\n    return f'hello {name}'\n",
        "functions/greeter/data/words.txt": "data goes with it",
        "functions/greeter/requirements.txt": "functions-framework==3.10.2\n",
        "functions/greeter/README.md": "not in a bundle",
        "functions/greeter/.hidden": "not in a bundle",
        "functions/greeter/tests/test_words.py": "not in a bundle",
        "functions/other/main.py": "not in this bundle",
        "local/__init__.py": "not in a bundle",
    }
    for name, content in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "tree"


def test_a_bundle_holds_shared_the_folder_and_nothing_else(tree: Path) -> None:
    assert list(bundle.cut("greeter-api", tree).files) == [
        "functions/__init__.py",
        "functions/greeter/__init__.py",
        "functions/greeter/data/words.txt",
        "functions/greeter/main.py",
        "functions/greeter/words.py",
        "functions/shared/__init__.py",
        "functions/shared/name.py",
        "main.py",
        "requirements.txt",
    ]


def test_the_same_tree_gives_the_same_bytes_whenever_and_wherever_it_is_cut(tree: Path, tmp_path: Path) -> None:
    first = bundle.cut("greeter-api", tree)
    copy = tmp_path / "copy"
    shutil.copytree(tree, copy)
    for path in copy.rglob("*"):
        os.utime(path, (0, 0))
        path.chmod(0o700)
    second = bundle.cut("greeter-api", copy)
    assert first.archive() == second.archive()
    assert first.name == second.name
    with zipfile.ZipFile(io.BytesIO(first.archive())) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {stat.S_IMODE(entry.external_attr >> 16) for entry in archive.infolist()} == {0o644}


def test_a_change_gives_another_name_only_to_the_bundles_that_it_is_in(tree: Path) -> None:
    before = bundle.cut("greeter-api", tree).name
    (tree / "functions" / "other" / "main.py").write_text("changed")
    (tree / "functions" / "greeter" / "README.md").write_text("changed")
    assert bundle.cut("greeter-api", tree).name == before
    (tree / "functions" / "shared" / "name.py").write_text("NAME = 'moon'\n")
    assert bundle.cut("greeter-api", tree).name != before


def test_two_deployments_of_a_folder_have_different_bundles(tree: Path) -> None:
    assert bundle.cut("greeter-api", tree).digest != bundle.cut("greeter-night", tree).digest


def test_the_manifest_names_the_latest_archive_of_each_deployment(tree: Path, tmp_path: Path) -> None:
    day, night = bundle.cut("greeter-api", tree), bundle.cut("greeter-night", tree)
    bundle.note([day, night], tmp_path)
    (tree / "functions" / "greeter" / "words.py").write_text("changed = True\n")
    changed = bundle.cut("greeter-night", tree)
    noted = json.loads(bundle.note([changed], tmp_path).read_text())
    assert noted == {"greeter-api": day.name, "greeter-night": changed.name}
    assert changed.name != night.name


def test_an_unknown_deployment_is_refused(tree: Path) -> None:
    with pytest.raises(bundle.UnknownDeployment):
        bundle.cut("stranger", tree)


def test_every_deployment_of_the_catalogue_can_be_cut() -> None:
    for name in bundle.deployments():
        files = bundle.cut(name).files
        assert {"main.py", "requirements.txt", "functions/__init__.py", "functions/shared/__init__.py"} <= files.keys()
        assert not [path for path in files if path.endswith((".md", ".pyc")) or "tests" in path.split("/")]


def test_a_bundle_starts_alone_and_sees_no_other_path(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    port = free_port()
    process = bundle.start(bundle.cut("greeter-api", tree), folder, port, {"PYTHONPATH": ""})
    try:
        lines = answer(port, folder).split("\n")
    finally:
        process.terminate()
        process.wait(10)
    assert lines[0] == "hello world"
    source = str(folder / "source")
    outside = [path for path in lines[1:] if not path.startswith((sys.prefix, sys.base_prefix, source))]
    assert lines[1] == source
    assert outside == []


def answer(port: int, folder: Path) -> str:
    pause = threading.Event()
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=5).text
        except requests.ConnectionError:
            pause.wait(0.05)
    raise AssertionError((folder / "log").read_text())
