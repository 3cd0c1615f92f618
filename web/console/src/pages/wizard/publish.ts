/** From a draft to a widget that answers: publish, activate, make the widget; each step may have happened before. */

import { call, type Schemas } from "../../api/client";
import { asProblem } from "../../api/problem";
import { forget } from "../../api/resource";
import { keyOf } from "../../kept";
import { here } from "../../session/config";
import type { Agent } from "./draft";

export type Stage = "publish" | "activate" | "widget";

/** Runs all that is not done yet, tells each stage, and answers with the widget's id. Throws Problem; then try again. */
export async function publish(agent: Agent, theme: Schemas["Template"]["name"], origins: string[], tell: (stage: Stage) => void): Promise<string> {
  const path = { agent: agent.id };
  tell("publish");
  try {
    await call("post", "/api/agents/{agent}/publish", { path });
  } catch (error) {
    if (asProblem(error).code !== "nothing_to_publish") throw error;
  }
  tell("activate");
  const status = await call("get", "/api/my-agents/{agent}/status", { path });
  if (status.data.status !== "active") await call("put", "/api/my-agents/{agent}/status", { path, etag: status.etag, body: { status: "active" } });
  tell("widget");
  const body = { agent_id: agent.id, name: agent.name, theme: { name: theme }, allowed_origins: [...new Set([new URL(here()).origin, ...origins])] };
  const { data } = await call("post", "/api/widgets", { key: keyOf(`wizard.${agent.id}.widget`, body), body });
  forget("/api/my-agents", "/api/widgets", "/api/dashboard", "/api/agents");
  return data.id;
}

/** The origins of what people write for a site: "example.com", "https://example.com/about"; and what is none. */
export function originsOf(text: string): { origins: string[]; wrong: string[] } {
  const lines = text.split(/[\s,]+/).filter(Boolean);
  const origins: string[] = [];
  const wrong: string[] = [];
  for (const line of lines) {
    const local = /^(http:\/\/)?(localhost|127\.0\.0\.1)(:\d+)?(\/|$)/i.test(line);
    const written = /^[a-z]+:\/\//i.test(line) ? line : `${local ? "http" : "https"}://${line}`;
    const url = URL.canParse(written) ? new URL(written) : undefined;
    const plain = url?.protocol === "http:" && !local;
    if (url && /^https?:$/.test(url.protocol) && (local || url.hostname.includes("."))) origins.push(plain ? url.origin.replace("http:", "https:") : url.origin);
    else wrong.push(line);
  }
  return { origins: [...new Set(origins)], wrong };
}
