/** Makes the client's types anew from api-gateway.yaml and checks every source against them, with the Node.js that runs this. */

import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));

for (const command of [
  ["openapi-typescript/bin/cli.js", "../../api-gateway.yaml", "--output", "src/api/schema.d.ts", "--root-types=false"],
  ["typescript/bin/tsc"],
]) {
  const [script, ...options] = command;
  const { status } = spawnSync(process.execPath, [`node_modules/${script}`, ...options], { cwd: here, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
