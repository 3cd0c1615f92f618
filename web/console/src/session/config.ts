/** Where this AgentHub is, read once before anything else from `config.json` beside the page. */

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

let known: Config | undefined;

export async function loadConfig(): Promise<Config> {
  const response = await fetch(new URL("config.json", document.baseURI), { cache: "no-cache" });
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  known = (await response.json()) as Config;
  return known;
}

/** The configuration; loadConfig() came first. */
export function config(): Config {
  if (!known) throw new Error("config.json has not been read");
  return known;
}

/** The address of this console without a fragment, for links that lead back. */
export const here = (): string => location.href.split("#")[0]!;
