/** The entry of the hashed file: reads the widget's public configuration and puts the chat on the page. */

import { parseConfig } from "./config";
import { ChatElement } from "./element";

const TAG = "agenthub-chat";

async function main(tag: HTMLScriptElement): Promise<void> {
  const widget = tag.dataset["widget"] ?? "";
  const saved = new URL(`w/${encodeURIComponent(widget)}.json`, tag.src);
  const response = await fetch(saved, { credentials: "omit" });
  if (!response.ok) throw new Error(`AgentHub: there is no widget ${widget} (${response.status}).`);
  const wanted = [tag.dataset["locale"] ?? "", document.documentElement.lang, ...navigator.languages];
  // A page that carries the tag twice gets one chat.
  if (customElements.get(TAG)) return;
  const config = parseConfig(await response.json(), wanted.filter(Boolean));

  customElements.define(TAG, ChatElement);
  const chat = new ChatElement();
  const { open, close, ask } = chat.start(config);
  const put = (): void => {
    document.body.append(chat);
    // The page's own buttons may use the chat: AgentHub.open(), AgentHub.ask("…").
    Object.assign(globalThis, { AgentHub: { open, close, ask } });
    dispatchEvent(new Event("agenthub:ready"));
  };
  if (document.body) put();
  else addEventListener("DOMContentLoaded", put, { once: true });
}

const tag = document.currentScript;
if (tag instanceof HTMLScriptElement) main(tag).catch((error: unknown) => console.warn(error));
