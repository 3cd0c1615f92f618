/** Bundles the tests of the console's pure parts into a temporary folder and runs them with Node's own test runner. */

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = await mkdtemp(join(tmpdir(), "console-tests-"));
const names = (await readdir(here)).filter((name) => name.endsWith(".test.ts"));
await build({
  root: here,
  configFile: false,
  logLevel: "warn",
  // Everything but Node's own modules goes in, since the folder has no node_modules beside it.
  ssr: { noExternal: true },
  build: {
    ssr: true,
    outDir: out,
    emptyOutDir: true,
    target: "node20",
    rollupOptions: {
      input: Object.fromEntries(names.map((name) => [name.replace(/\.ts$/, ""), join(here, name)])),
      output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" },
    },
  },
});
const files = names.map((name) => join(out, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit", env: { ...process.env, LANG: "en_US.UTF-8", LC_ALL: "en_US.UTF-8" } });
await rm(out, { recursive: true });
process.exit(status ?? 1);
