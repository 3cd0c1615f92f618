/** The example page with the widget that `?widget=` names: the same one tag as on a customer's page. */

import { insertWidget } from "../embed";

const note = document.querySelector<HTMLElement>(".trial")!;

function say(text: string): void {
  note.textContent = text;
  note.hidden = false;
}

async function start(): Promise<void> {
  const widget = new URLSearchParams(location.search).get("widget") ?? "";
  if (!/^wgt_\w+$/.test(widget)) return say("This page shows a widget. Open it from the widget's page in the console: Embed, Try it on a page.");
  // Read here and not by the console's module: the console's first page would have to fetch a part more.
  const response = await fetch(new URL("config.json", document.baseURI), { cache: "no-cache" });
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  const { cdn_url: cdn } = (await response.json()) as { cdn_url: string };
  await insertWidget(cdn, { widget });
}

start().catch(() => say("The widget could not be fetched. Load this page again in a minute."));
