/**
 * Builds the console into the folder given as the first argument, and writes manifest.json: each file with its size and,
 * for scripts, its size under gzip. Hashed files of earlier builds stay: an open page still asks for its parts.
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../dist/console");

const { output } = await build({ root: here, configFile: join(here, "vite.config.ts"), build: { outDir: out }, logLevel: "warn" });
const manifest = {};
for (const part of output) {
  const contents = await readFile(join(out, part.fileName));
  manifest[part.fileName] = {
    path: part.fileName,
    bytes: contents.length,
    gzip: gzipSync(contents, { level: 9 }).length,
    // What is fetched together with it: `nox -s bench -- console` adds up what a page loads.
    ...(part.type === "chunk" ? { imports: part.imports, dynamic: part.dynamicImports, entry: part.isEntry, source: part.facadeModuleId?.slice(here.length + 1) ?? null } : {}),
  };
}
await mkdir(out, { recursive: true });
await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
