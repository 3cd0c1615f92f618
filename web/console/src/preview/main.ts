/**
 * A page of nobody, on which the real widget script shows settings that are not saved yet.
 *
 * The frame waits to be told what to show, gives the script what it would fetch, and answers its calls itself; those of a
 * live chat go to the page around it. A frame shows once: new settings come in a new frame.
 */

import "./preview.css";
import { insertWidget } from "../embed";
import { canned, NOWHERE, questionIn } from "./canned";
import { carried } from "./carried";
import type { Show, Told } from "./protocol";

const tell = (told: Told) => parent.postMessage(told, location.origin);

/** Until somebody touches this frame, a story is told: it takes no time and nobody's focus. */
let touched = false;
for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => (touched = true), { capture: true, once: true });

/**
 * The chat takes the focus when it opens, as it should on a page: not while somebody types in the form beside the frame.
 * A dialog that is inert while it opens is drawn like any other and focuses nothing.
 */
function keepFocusOutside(): void {
  const { focus } = HTMLElement.prototype;
  HTMLElement.prototype.focus = function (options) {
    if (touched) focus.call(this, options);
  };
  for (const name of ["show", "showModal"] as const) {
    const open = HTMLDialogElement.prototype[name];
    HTMLDialogElement.prototype[name] = function () {
      this.inert = !touched;
      open.call(this);
      this.inert = false;
    };
  }
}

/** What the widget remembers of a visitor lives as long as the frame, apart from the console's own storage. */
function forgetful(before: Record<string, string>): Storage {
  const kept = new Map(Object.entries(before));
  return {
    get length() {
      return kept.size;
    },
    key: (at) => [...kept.keys()][at] ?? null,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
    clear: () => kept.clear(),
  };
}

function prepare(shown: Show): void {
  keepFocusOutside();
  const past: Record<string, string> = shown.state === "closed" || shown.state === "open" ? {} : { "agenthub:preview": JSON.stringify({ gave: "1" }) };
  // Who has a session asks for what was said before: the page around the frame knows it.
  const session: Record<string, string> = shown.live === undefined ? {} : { "agenthub:preview": JSON.stringify({ token: "live", expires: new Date(Date.now() + 86_400_000).toISOString(), met: "1" }) };
  for (const [name, value] of [["localStorage", forgetful(session)], ["sessionStorage", forgetful(past)]] as const) Object.defineProperty(window, name, { value, configurable: true });
  if (shown.state === "offline") Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
  const reach = fetch.bind(window);
  window.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!request.url.startsWith(NOWHERE)) return reach(request);
    if (shown.live !== undefined && new URL(request.url).pathname === "/api/chat") return carried(request);
    return canned(request.method, new URL(request.url).pathname, shown.state, shown.locale, touched ? 40 : 0);
  };
}

/** The public file as this visitor's device would show it; the calls go nowhere. */
function configOf({ public: file, dark }: Show): Record<string, unknown> {
  const theme = file.theme as { mode?: string };
  const proactive = file.proactive as { after_seconds?: number } | null;
  return {
    ...file,
    widget: "preview",
    api_url: NOWHERE,
    chat_url: NOWHERE,
    theme: { ...theme, mode: theme.mode === "auto" ? (dark ? "dark" : "light") : theme.mode },
    // Whoever looks at it closed wants to see what it says, not to wait for it.
    proactive: proactive && { after_seconds: 0.1 },
  };
}

interface Calls {
  open(): void;
  ask(said: string): void;
}

/** Resolves when `found` finds something in the chat. */
function until<T>(root: ShadowRoot, found: () => T | null | undefined | false): Promise<T> {
  return new Promise((there) => {
    const look = () => {
      const one = found();
      if (!one) return;
      watcher.disconnect();
      there(one);
    };
    const watcher = new MutationObserver(look);
    watcher.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  });
}

async function act(shown: Show): Promise<void> {
  const calls = Reflect.get(window, "AgentHub") as Calls;
  const root = document.querySelector("agenthub-chat")!.shadowRoot!;
  const questions = shown.public.suggested_questions as string[] | undefined;
  switch (shown.state) {
    case "closed":
      if (shown.public.proactive) await until(root, () => root.querySelector(".hello > *"));
      return;
    case "open":
      calls.open();
      // Seen with what was said before.
      if (shown.live) await new Promise((there) => setTimeout(there, 50));
      return;
    default:
      // The suggestions are in the agent's first language.
      calls.ask((shown.locale === shown.public.default_locale && questions?.[0]) || questionIn(shown.locale));
  }
  const answers = shown.state === "answer" || shown.state === "hand_off";
  await until(root, () => (answers ? root.querySelector(".sources") : root.querySelector(".notice")?.textContent));
}

async function show(shown: Show): Promise<void> {
  document.documentElement.dataset.theme = shown.dark ? "dark" : "light";
  document.documentElement.lang = shown.locale;
  document.documentElement.dir = /^(ar|fa|he|ur)\b/.test(shown.locale) ? "rtl" : "ltr";
  prepare(shown);
  const ready = new Promise((there) => addEventListener("agenthub:ready", there, { once: true }));
  await insertWidget(shown.cdn, { widget: "preview", config: JSON.stringify(configOf(shown)), locale: shown.locale });
  await ready;
  await act(shown);
  const { shadowRoot } = document.querySelector("agenthub-chat")!;
  const moving = shadowRoot!.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
  // Seen once it stands still and is painted.
  await Promise.allSettled(moving.map((one) => one.finished));
  requestAnimationFrame(() => tell({ type: "shown" }));
}

addEventListener("message", (event: MessageEvent<Show>) => {
  if (event.origin !== location.origin || event.source !== parent || event.data.type !== "show") return;
  show(event.data).catch((error: unknown) => tell({ type: "failed", reason: String(error) }));
});
tell({ type: "ready" });
