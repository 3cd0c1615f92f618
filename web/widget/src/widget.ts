/** The entry of the hashed file: reads the widget's public file and the words, and puts the chat on the page. */

import { localeOf, parseConfig, pick } from "./config";
import { ChatElement } from "./element";
import { json } from "./parse";

/** The languages that have words, and the hash in the names of their files; both come from the build. */
declare const LANGUAGES: string;
declare const WORDS: string;

const TAG = "agenthub-chat";

async function main({ dataset, src }: HTMLScriptElement): Promise<void> {
  const read = async (name: string): Promise<any> => {
    const response = await fetch(new URL(name, src), { credentials: "omit" });
    if (!response.ok) throw new Error(response.url);
    return response.json();
  };
  const known = LANGUAGES.split(" ");
  const named = (wanted: readonly string[]): string => pick(known, wanted) || "en";
  const words = (language: string): Promise<any> => read(`texts-${language}-${WORDS}.json`);

  const wanted = [dataset["locale"] ?? "", ...navigator.languages, document.documentElement.lang].filter(Boolean);
  const likely = named(wanted);
  // Before it is known which languages the widget offers: mostly the visitor's is one, and that saves a round trip.
  const early = words(likely);
  early.catch(() => null);
  const saved = json(dataset["config"] ?? "") ?? (await read(`w/${encodeURIComponent(dataset["widget"] ?? "")}.json`));
  const locale = localeOf(saved, wanted);
  const language = named([locale]);
  const config = parseConfig(saved, locale, await (language === likely ? early : words(language)));
  // A page that carries the tag twice gets one chat.
  if (customElements.get(TAG)) return;

  customElements.define(TAG, ChatElement);
  const chat = new ChatElement();
  const calls = chat.start(config, dataset["identity"] ?? "");
  const put = (): void => {
    document.body.append(chat);
    // The page's own scripts may use the chat: AgentHub.open(), AgentHub.ask("…"), AgentHub.identify("…").
    Object.assign(globalThis, { AgentHub: calls });
    dispatchEvent(new Event("agenthub:ready"));
  };
  if (document.body) put();
  else addEventListener("DOMContentLoaded", put, { once: true });
}

const tag = document.currentScript;
if (tag instanceof HTMLScriptElement) main(tag).catch(console.warn);
