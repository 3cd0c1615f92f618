"""What a customer's page loads: gzip bytes of loader and widget, against the limit and against the unminified sources.

The baseline is the same bundle without minifying; it shows what the build saves and what the code itself weighs.
"""

import gzip
import json
import subprocess

from benchmarks.rig.figures import verdict
from benchmarks.rig.processes import ROOT
from infra.web import build_stale, find_node

LIMIT = 12_000
WEB = ROOT / "web" / "widget"
BUNDLE = """
import { build } from "esbuild";
for (const entry of ["loader.ts", "widget.ts"]) {
  const made = await build({
    entryPoints: [`src/${entry}`], bundle: true, write: false, format: "iife", target: ["es2022"], charset: "utf8",
    loader: { ".css": "text" }, define: { FILE: '"widget.js"', INTEGRITY: '"sha384-0"' },
  });
  process.stdout.write(made.outputFiles[0].contents);
}
"""


def main() -> None:
    """Measure and print."""
    build_stale()
    built = ROOT / "dist" / "widget"
    manifest = json.loads((built / "manifest.json").read_text(encoding="utf-8"))
    total = 0
    print("Bytes that a page loads, gzip level 9:")
    for name in ("loader", "widget"):
        content = (built / manifest[name]["path"]).read_bytes()
        packed = len(gzip.compress(content, 9, mtime=0))
        total += packed
        print(f"  {name:<8} {packed:6,} of {len(content):6,} bytes")
    node = find_node()
    whole = subprocess.run(
        [*node.node, "--input-type=module", "-e", BUNDLE], cwd=WEB, capture_output=True, check=True
    ).stdout
    bare = len(gzip.compress(whole, 9, mtime=0))
    print(f"  together {total:6,}  {total / LIMIT:.2f}× of the limit  {verdict(total, LIMIT)}")
    print(f"  not minified {bare:,}: {total / bare:.2f}×")


if __name__ == "__main__":
    main()
