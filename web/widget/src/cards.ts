/** The small forms inside the log: rating an answer or the chat, asking for a person, leaving contact details. */

import type { Asked, Texts } from "./config";
import type { Conversation, Details } from "./conversation";
import { button, h, icon } from "./dom";
import { fields, text } from "./parse";
import type { Fields } from "./parse";

const THUMB = "M7 21H4V10h3m0 11V10l4-8a2 2 0 0 1 2 2v5h6a2 2 0 0 1 2 2.3l-1.4 8a2 2 0 0 1-2 1.7z";

const STAR = "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1.1 5.9-5.3-2.9-5.3 2.9 1.1-5.9L3.5 9.7l5.9-.8z";

/** What a card needs: the words, what is known of the visitor, and a way to tell a screen reader what happened. */
export interface Room {
  readonly texts: Texts;
  known(): Fields;
  say(spoken: string): void;
}

function field(label: string, control: HTMLElement): HTMLLabelElement {
  return h("label", {}, label, control);
}

/**
 * A form of `children` that runs `act` when it is sent: busy meanwhile; then it gives way to `done`, or says that it
 * failed and keeps what was typed.
 */
function card(room: Room, children: readonly (Node | string)[], done: string, act: () => Promise<unknown>): HTMLElement {
  const problem = h("p", { class: "problem" });
  const form = h("form", { class: "card" }, ...children, h("button", { class: "main" }, room.texts.send), problem);
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    try {
      // Outside business hours the platform says when somebody will be there.
      const said = text(fields(await act())["message"], done);
      const told = h("p", { class: "note", tabindex: -1 }, said);
      const inside = form.matches(":focus-within");
      form.replaceWith(told);
      // The focused field is gone with the form: without this a keyboard would start again at the top of the page.
      if (inside) told.focus();
      room.say(said);
    } catch {
      room.say((problem.textContent = room.texts.error));
    }
    busy = false;
  });
  return form;
}

function area(): HTMLTextAreaElement {
  return h("textarea", { rows: 2, maxlength: 1000, dir: "auto" });
}

/** Two thumbs under an answer; a thumb down asks what was missing. */
export function ratingCard(room: Room, conversation: Conversation, id: string): HTMLElement {
  const { texts } = room;
  const rating = h("div", { class: "rating" });
  const thumb = (value: "up" | "down", label: string): HTMLButtonElement => {
    const made = button(`icon ${value}`, label, [icon(THUMB)], async () => {
      for (const one of thumbs) one.setAttribute("aria-pressed", `${one === made}`);
      rating.querySelector("form,p")?.remove();
      const comment = area();
      const more = (): Promise<unknown> => conversation.rate(id, value, comment.value.trim());
      if (value === "down") rating.append(card(room, [field(texts.comment, comment)], texts.thanks, more));
      try {
        await conversation.rate(id, value, "");
        room.say(texts.thanks);
      } catch {
        made.setAttribute("aria-pressed", "false");
        room.say(texts.error);
      }
    });
    return made;
  };
  const thumbs = [thumb("up", texts.helpful), thumb("down", texts.unhelpful)];
  rating.append(...thumbs);
  return rating;
}

/** The form that asks for a person. */
export function handOffCard(room: Room, conversation: Conversation): HTMLElement {
  const { texts } = room;
  const note = area();
  const content = [h("strong", {}, texts.person), field(texts.note, note)];
  return card(room, content, texts.told, () => conversation.handOff(note.value.trim()));
}

/** One to five stars for the whole conversation. */
export function starsCard(room: Room, conversation: Conversation): HTMLElement {
  const { texts } = room;
  const stars = [1, 2, 3, 4, 5].map((n) => {
    const label = texts.stars.replace("{n}", `${n}`);
    const star = h("input", { class: "sr", type: "radio", name: "stars", value: n, required: "", "aria-label": label });
    return h("label", { class: "icon", title: label }, star, icon(STAR));
  });
  const remark = area();
  const content = [
    h("fieldset", {}, h("legend", {}, texts.rate), h("div", { class: "stars" }, ...stars)),
    field(texts.remark, remark),
  ];
  return card(room, content, texts.thanks, () => {
    const chosen = stars.findIndex((star) => star.querySelector("input")?.checked);
    return conversation.stars(chosen + 1, remark.value.trim());
  });
}

/** The form for what is `asked`, with consent; `send` gets what was typed, and the consent word for word. */
export function detailsCard(
  room: Room,
  title: string,
  asked: readonly Asked[],
  send: (details: Details) => Promise<unknown>,
): HTMLElement {
  const { texts } = room;
  const known = room.known();
  const inputs = asked.map(({ kind, required }) => {
    const type = kind === "phone" ? "tel" : kind;
    const input = h("input", {
      type: /email|tel/.test(type) ? type : "text",
      autocomplete: kind === "custom" ? "off" : type,
      maxlength: 200,
      dir: "auto",
      ...(required ? { required: "" } : {}),
    });
    input.value = text(known[kind]);
    return input;
  });
  const rows = inputs.map((input, at) => {
    const { label = "", required } = asked[at] ?? {};
    return field(required ? label : texts.optional.replace("{field}", label), input);
  });
  const consent = h("label", { class: "check" }, h("input", { type: "checkbox", required: "" }), h("span", {}, texts.consent));
  return card(room, [h("strong", {}, title), ...rows, consent], texts.thanks, () => {
    const details: Record<string, string> & Details = { consent: texts.consent };
    const own: string[] = [];
    asked.forEach(({ kind, label }, at) => {
      const value = inputs[at]?.value.trim();
      if (!value) return;
      if (kind === "custom") own.push(`${label}: ${value}`);
      else details[kind] = value;
    });
    if (own.length) details["message"] = own.join("\n");
    return send(details);
  });
}
