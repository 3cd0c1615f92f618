/** The custom element <agenthub-chat>: puts a panel into a shadow root and connects it to page, network and storage. */

import { openApi } from "./api";
import { direction } from "./config";
import type { Config } from "./config";
import { openConversation } from "./conversation";
import { readIdentity } from "./identity";
import { paletteRules } from "./palette";
import { openPanel } from "./panel";
import type { Panel } from "./panel";
import { text } from "./parse";
import type { Fields } from "./parse";
import { openStore } from "./storage";
import css from "./style.css";

/** What the page's own scripts may do with the chat. */
export interface Calls extends Pick<Panel, "open" | "close" | "ask"> {
  /** The visitor whom the site's server has signed for; "" when nobody is signed in any more. */
  identify(token: string): void;
}

/** The chat of one widget on this page. */
export class ChatElement extends HTMLElement {
  /** Show the chat that `config` describes, once, to the visitor whom `signed` names; "" is anybody. */
  start(config: Config, signed: string): Calls {
    const root = this.attachShadow({ mode: "open" });
    // A constructed sheet: the page's content security policy has no say in it.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css + paletteRules(config.theme));
    root.adoptedStyleSheets = [sheet];
    this.setAttribute("mode", config.mode);
    this.setAttribute("position", config.position);
    this.dir = direction(config.locale);
    this.lang = config.locale;

    const store = openStore(config.widget, () => localStorage);
    const person = (): Fields => readIdentity(signed);
    // One that has expired would be refused; the session that it began goes on without.
    const live = (): string => (Number(person()["exp"]) * 1000 > Date.now() ? signed : "");
    const api = openApi(config, store, fetch.bind(globalThis), Date.now, live);
    /** What another visitor of this device has said is not for this one. */
    const settle = (): boolean => {
      const who = text(person()["sub"]);
      if (who === store.read().who) return false;
      store.write({ who, token: "", conversation: "", unsent: [] });
      return true;
    };
    settle();
    const conversation = openConversation(config, api, store, {
      sleep: (milliseconds) => new Promise((over) => setTimeout(over, milliseconds)),
      online: () => new Promise((back) => addEventListener("online", () => back(), { once: true })),
      isOnline: () => navigator.onLine,
      // crypto.randomUUID exists on secure pages only; this does everywhere.
      newKey: () => crypto.getRandomValues(new Uint32Array(4)).join("-"),
      // Queries and fragments may hold what is nobody's business.
      pageUrl: () => location.origin + location.pathname,
      changed: () => panel.changed(),
      answered: (message) => panel.answered(message),
    });
    // A session that is ready before the message is sent saves the visitor a round trip.
    let early: Promise<unknown> | null = null;
    const panel = openPanel(config, conversation, person, () => {
      early ??= api.token().catch(() => null);
    });
    root.append(panel.launcher, panel.hello, panel.dialog);
    // The page's own keyboard shortcuts are not meant for what is typed here.
    for (const name of ["keydown", "keyup"]) root.addEventListener(name, (event) => event.stopPropagation());
    for (const name of ["resize", "scroll"]) visualViewport?.addEventListener(name, panel.fit);
    const { open, close, ask } = panel;
    return {
      open,
      close,
      ask,
      identify(token) {
        signed = token;
        if (settle()) {
          conversation.forget();
          // What was half typed is not for who comes next.
          root.querySelectorAll("form").forEach((form) => form.reset());
        }
      },
    };
  }
}
