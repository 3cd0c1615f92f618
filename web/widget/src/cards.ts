/** The small forms inside the log: rating an answer, asking for a person, leaving contact details. */

import type { Conversation, Details } from "./conversation";
import { button, h, icon } from "./dom";
import type { Texts } from "./texts";

const THUMB = "M7 21H4V10h3m0 11V10l4-8a2 2 0 0 1 2 2v5h6a2 2 0 0 1 2 2.3l-1.4 8a2 2 0 0 1-2 1.7z";

/** What a card needs: the words, and a way to tell a screen reader what happened. */
export interface Room {
  readonly texts: Texts;
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
      await act();
      const told = h("p", { class: "note", tabindex: -1 }, done);
      const inside = form.matches(":focus-within");
      form.replaceWith(told);
      // The focused field is gone with the form: without this a keyboard would start again at the top of the page.
      if (inside) told.focus();
      room.say(done);
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

/** The form for the contact details that are `asked` for (name, email), with consent; `send` gets what was typed. */
export function detailsCard(
  room: Room,
  title: string,
  asked: readonly unknown[],
  send: (details: Details) => Promise<unknown>,
): HTMLElement {
  const { texts } = room;
  const kinds = (["name", "email"] as const).filter((kind) => asked.includes(kind));
  const inputs = kinds.map((kind) =>
    h("input", { type: kind === "email" ? kind : "text", autocomplete: kind, maxlength: 200, dir: "auto", required: "" }),
  );
  const consent = h("label", { class: "check" }, h("input", { type: "checkbox", required: "" }), h("span", {}, texts.consent));
  const rows = inputs.map((input, at) => field(texts[kinds[at] ?? "name"], input));
  return card(room, [h("strong", {}, title), ...rows, consent], texts.thanks, () =>
    send(Object.fromEntries(inputs.map((input, at) => [kinds[at], input.value.trim()]))),
  );
}
