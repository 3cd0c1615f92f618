/** Shows the messages of a conversation in the log, changing only what has changed. */

import { detailsCard, handOffCard, ratingCard } from "./cards";
import type { Room } from "./cards";
import type { Config } from "./config";
import type { Conversation, Message } from "./conversation";
import { button, formatted, h, link } from "./dom";

/** How far from its end (px) a log may be and still follow what is new. */
const NEAR = 80;

export interface Transcript {
  readonly log: HTMLElement;
  /** Shown while there is something new below what is in view. */
  readonly newer: HTMLButtonElement;
  toEnd(): void;
  /** Show the conversation as it is now; returns whether the end was in view, or nearly, so that what is new is followed. */
  update(): boolean;
}

interface Entry {
  readonly node: HTMLElement;
  readonly body: HTMLElement;
  readonly foot: HTMLElement;
  /** What is shown: the message's state and text. */
  shown: string;
}

export function openTranscript(config: Config, room: Room, conversation: Conversation): Transcript {
  const { texts, feedback, name } = config;
  const entries = new Map<Message, Entry>();
  const asked = (["name", "email", "phone"] as const).map((kind) => ({ kind, label: texts[kind], required: kind !== "phone" }));
  const none = new Map<number, string>();
  /** Text in its own direction; the bubble around it keeps that of the chat. */
  const said = (...children: Node[]): HTMLElement => h("div", { dir: "auto" }, ...children);
  const bubble = (text: HTMLElement): HTMLElement => h("div", { class: "bubble" }, text);

  const log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-label": texts.conversation, tabindex: 0 });
  const toEnd = (): void => {
    log.scrollTop = log.scrollHeight;
    newer.hidden = true;
  };
  const nearEnd = (): boolean => log.scrollHeight - log.scrollTop - log.clientHeight <= NEAR;
  const newer = button("newer", texts.newer, [texts.newer], toEnd);
  newer.hidden = true;
  log.addEventListener("scroll", () => {
    newer.hidden ||= nearEnd();
  });
  if (texts.privacy_notice) log.append(h("div", { class: "note", dir: "auto" }, ...formatted(texts.privacy_notice, none)));
  log.append(h("div", { class: "message agent" }, bubble(said(...formatted(texts.greeting, none)))));

  const sending = (message: Message): (Node | string)[] =>
    message.state === "failed"
      ? [
          h("span", { class: "problem" }, texts.failed),
          button("quiet", texts.retry, [texts.retry], () => conversation.retry(message)),
        ]
      : [];

  const extras = ({ state, id, sources, actions }: Message): (Node | string)[] => {
    if (state === "streaming") return [];
    const found: Node[] = [];
    if (state === "cut") found.push(h("p", {}, texts.cut));
    if (sources.length) {
      const items = sources.map(({ number, url, title }) =>
        h("li", { value: number }, h("bdi", {}, url ? link(url, title) : title)),
      );
      found.push(h("div", { class: "sources" }, texts.sources, h("ol", {}, ...items)));
    }
    if (feedback && id) found.push(ratingCard(room, conversation, id));
    if (actions.includes("hand_off")) found.push(handOffCard(room, conversation));
    if (actions.includes("collect_lead")) found.push(detailsCard(room, texts.lead, asked, conversation.lead));
    return found;
  };

  const entry = (message: Message): Entry => {
    const who = h("span", { class: "sr" }, `${message.from === "visitor" ? texts.you : name}: `);
    const body = said();
    const foot = h("div", { class: "foot" });
    const made = { node: h("div", { class: `message ${message.from}` }, who, bubble(body), foot), body, foot, shown: "" };
    entries.set(message, made);
    return made;
  };

  const refresh = (message: Message, { node, body, foot }: Entry): void => {
    const mine = message.from === "visitor";
    if (mine) body.textContent = message.text;
    else body.replaceChildren(...formatted(message.text, new Map(message.sources.map((one) => [one.number, one.url]))));
    if (node.dataset["state"] === message.state) return;
    node.dataset["state"] = message.state;
    foot.replaceChildren(...(mine ? sending(message) : extras(message)));
  };

  return {
    log,
    newer,
    toEnd,
    update() {
      const follow = nearEnd();
      const height = log.scrollHeight;
      let before: Element | null = null;
      for (const message of conversation.messages) {
        const one = entries.get(message) ?? entry(message);
        const shown = message.state + message.text;
        if (one.shown !== shown) refresh(message, one);
        one.shown = shown;
        if (!one.node.isConnected) {
          if (before) before.after(one.node);
          else log.append(one.node);
        }
        before = one.node;
      }
      for (const [message, { node }] of entries) {
        if (conversation.messages.includes(message)) continue;
        node.remove();
        entries.delete(message);
      }
      if (follow) toEnd();
      else if (log.scrollHeight > height) newer.hidden = false;
      return follow;
    },
  };
}
