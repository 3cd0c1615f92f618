/** Where this AgentHub is, read once before anything else from `config.json` beside the page. */

import { signal } from "@preact/signals";

export interface Config {
  api_url: string;
  cdn_url: string;
  chat_url: string;
  identity_key: string;
  project: string;
  /** Where Google's identity hosts are played by a local server; absent in the cloud. */
  identity_url?: string;
  /** Whether people may sign in with Google. */
  google?: boolean;
}

const known = signal<Config | undefined>(undefined);
let reading: Promise<Config> | undefined;

/** Reads it once; a failed try is made anew. */
export function loadConfig(): Promise<Config> {
  reading ??= read().catch((error: unknown) => {
    reading = undefined;
    throw error;
  });
  return reading;
}

async function read(): Promise<Config> {
  const response = await fetch(new URL("config.json", document.baseURI), { cache: "no-cache" });
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  return (known.value = (await response.json()) as Config);
}

/** The configuration; loadConfig() came first. */
export function config(): Config {
  if (!known.value) throw new Error("config.json has not been read");
  return known.value;
}

/** Whether people may sign in with Google; false until that is known. */
export const google = (): boolean => known.value?.google ?? false;

/** The address of this console without a fragment, for links that lead back. */
export const here = (): string => location.href.split("#")[0]!;
