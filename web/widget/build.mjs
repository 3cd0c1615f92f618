/**
 * Builds the widget into the folder given as the first argument: v1/widget-<hash>.js, the words of each language as
 * v1/texts-<language>-<hash>.json, v1/widget.js, and manifest.json (also as v1/manifest.json, for who pins the script).
 *
 * Hashed files of earlier builds stay: a page that is open, or whose loader sits in a cache, goes on working.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../dist/widget");

/** Style sheets become minified strings. */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { outputFiles } = await esbuild({ entryPoints: [path], bundle: true, minify: true, charset: "utf8", write: false });
      return { contents: outputFiles[0].text.trim(), loader: "text" };
    });
  },
};

async function bundle(entry, define = {}) {
  const result = await esbuild({
    entryPoints: [join(here, "src", entry)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["es2022"],
    charset: "utf8",
    legalComments: "none",
    plugins: [styles],
    define,
  });
  return Buffer.from(result.outputFiles[0].contents);
}

/** Write by renaming, so that no reader ever sees half a file. */
async function put(name, contents) {
  const path = join(out, name);
  await writeFile(`${path}.new`, contents);
  await rename(`${path}.new`, path);
}

// One hash for all languages: the script names it once, and its words are always those it was built with.
const folder = join(here, "src", "texts");
const languages = (await readdir(folder)).map((name) => name.replace(".json", "")).sort();
const texts = await Promise.all(
  languages.map(async (language) => Buffer.from(JSON.stringify(JSON.parse(await readFile(join(folder, `${language}.json`), "utf8"))))),
);
const words = createHash("sha256").update(Buffer.concat(texts)).digest("hex").slice(0, 16);

const widget = await bundle("widget.ts", { LANGUAGES: JSON.stringify(languages.join(" ")), WORDS: JSON.stringify(words) });
const file = `widget-${createHash("sha256").update(widget).digest("hex").slice(0, 16)}.js`;
const integrity = `sha384-${createHash("sha384").update(widget).digest("base64")}`;
const loader = await bundle("loader.ts", { FILE: JSON.stringify(file), INTEGRITY: JSON.stringify(integrity) });
const size = (contents) => ({ bytes: contents.length, gzip: gzipSync(contents, { level: 9 }).length });

await mkdir(join(out, "v1"), { recursive: true });
await put(join("v1", file), widget);
await put(join("v1", "widget.js"), loader);
const manifest = {
  loader: { path: "v1/widget.js", ...size(loader) },
  widget: { path: `v1/${file}`, integrity, ...size(widget) },
};
for (const [at, language] of languages.entries()) {
  const path = `v1/texts-${language}-${words}.json`;
  await put(path, texts[at]);
  manifest[`texts-${language}`] = { path, ...size(texts[at]) };
}
for (const name of [join("v1", "manifest.json"), "manifest.json"]) await put(name, `${JSON.stringify(manifest, null, 2)}\n`);
