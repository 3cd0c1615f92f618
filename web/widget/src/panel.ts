/** What a visitor sees and touches: the launcher, the panel with its log, and the field to write in. */

import { detailsCard, handOffCard, starsCard } from "./cards";
import type { Room } from "./cards";
import type { Config } from "./config";
import type { Conversation, Message } from "./conversation";
import { button, h, icon } from "./dom";
import { CROSS, openProactive } from "./proactive";
import { openStore } from "./storage";
import { openTranscript } from "./transcript";

const BUBBLE = "M4 5.5h16v11h-9L6.5 20v-3.5H4z";
const SEND = "M12 19V5M5.5 11.5L12 5l6.5 6.5";
/** Longer answers are announced by their start; the whole is in the log. */
const SPOKEN = 600;

export interface Panel {
  readonly launcher: HTMLElement;
  readonly dialog: HTMLElement;
  /** What the closed chat says by itself. */
  readonly hello: HTMLElement;
  open(): void;
  close(): void;
  /** Open and say something in the visitor's name. */
  ask(said: string): void;
  /** Draw the conversation's state at the next frame. */
  changed(): void;
  /** An answer is complete: read it out once. */
  answered(message: Message): void;
  /** Keep a full-screen panel above the keyboard of a phone. */
  fit(): void;
}

/** `known` says who the visitor is; `wakeUp` runs at the first sign that a message will come. */
export function openPanel(config: Config, conversation: Conversation, known: Room["known"], wakeUp: () => void): Panel {
  const { texts, name, suggestions, preChat } = config;
  let restored = false;
  let answering = false;
  let personDue = config.handOff;
  let rateDue = config.rating;
  let frame = 0;
  let hush: ReturnType<typeof setTimeout> | undefined;

  /** What is remembered until this tab is closed. */
  const visit = openStore(config.widget, () => sessionStorage);

  const status = h("div", { class: "sr", role: "status" });
  /** Put `spoken` where a screen reader reads it out; the place is empty again after a second. */
  const say = (spoken: string): void => {
    clearTimeout(hush);
    status.textContent = spoken;
    hush = setTimeout(() => status.replaceChildren(), 1000);
  };
  const room = { texts, known, say };

  const transcript = openTranscript(config, room, conversation);
  const { log, toEnd } = transcript;
  const notice = h("p", { class: "notice", dir: "auto" });
  const field = h("textarea", { rows: 1, maxlength: 4000, dir: "auto", placeholder: texts.placeholder, "aria-label": texts.placeholder });
  const form = h("form", { class: "write" }, field, h("button", { class: "send", "aria-label": texts.send, title: texts.send }, icon(SEND)));
  const grow = (): void => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  field.addEventListener("input", () => {
    wakeUp();
    grow();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = field.value.trim();
    field.focus();
    if (!said) return;
    field.value = "";
    grow();
    ask(said);
  });

  const chips = h("div", { class: "chips" });
  for (const question of suggestions) {
    chips.append(
      button("", question, [question], () => {
        field.focus();
        ask(question);
      }),
    );
  }

  /** A button below the log that puts a card into it, once. */
  const offer = (label: string, made: () => HTMLElement): HTMLButtonElement => {
    const offered = button("quiet", label, [label], () => {
      const card = made();
      log.append(card);
      toEnd();
      card.querySelector<HTMLElement>("textarea,input")?.focus();
      offered.hidden = true;
    });
    offered.hidden = true;
    return offered;
  };
  const person = offer(texts.person, () => handOffCard(room, conversation));
  const rate = offer(texts.rate, () => starsCard(room, conversation));

  const avatar = (): HTMLElement => {
    const initial = h("span", { class: "avatar", "aria-hidden": "true" }, Array.from(name)[0] ?? "");
    if (!config.avatar) return initial;
    const image = h("img", { class: "avatar", src: config.avatar, alt: "" });
    image.addEventListener("error", () => image.replaceWith(initial));
    return image;
  };

  const launcher = button("launcher", "", [icon(BUBBLE), icon(CROSS)], () => (dialog.open ? close() : open()));
  const title = h("h2", { id: "title" }, h("span", { dir: "auto" }, name), h("span", { class: "sr" }, ", "), h("small", {}, texts.assistant));
  const dialog = h(
    "dialog",
    { "aria-labelledby": "title", tabindex: -1 },
    h("div", { class: "head" }, avatar(), title, button("icon", texts.close, [icon(CROSS)], () => close())),
    log,
    transcript.newer,
    notice,
    form,
    h("div", { class: "more" }, person, rate),
    status,
  );
  const label = (): void => {
    launcher.ariaExpanded = `${dialog.open}`;
    launcher.title = launcher.ariaLabel = dialog.open ? texts.close : `${texts.open}: ${name}`;
  };
  label();

  const fit = (): void => {
    const seen = visualViewport;
    const modal = seen && dialog.matches(":modal");
    dialog.style.height = modal ? `${seen.height}px` : "";
    dialog.style.top = modal ? `${seen.offsetTop}px` : "";
  };

  const open = (): void => {
    if (dialog.open) return;
    hello.hush();
    const phone = matchMedia("(max-width:480px)").matches;
    if (phone) dialog.showModal();
    else dialog.show();
    label();
    fit();
    // On a phone the keyboard would hide the greeting: the field waits for a tap.
    (phone || form.hidden ? dialog : field).focus();
    if (conversation.messages.length) toEnd();
    if (!restored) void conversation.restore();
    restored = true;
  };

  const close = (): void => {
    dialog.close();
    label();
    launcher.focus();
  };

  const hello = openProactive(config, open, visit);

  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
  });

  if (preChat.length && !visit.read().gave && !conversation.id()) {
    form.hidden = chips.hidden = true;
    log.append(
      detailsCard(room, texts.before, preChat, async (given) => {
        await conversation.lead(given);
        visit.write({ gave: "1" });
        form.hidden = chips.hidden = false;
      }),
    );
  }
  log.append(chips);

  const show = (): void => {
    cancelAnimationFrame(frame);
    frame = 0;
    const { messages } = conversation;
    const told = conversation.notice;
    if (messages.length) chips.remove();
    const follow = transcript.update();
    const words = told ? texts[told.kind].replace("{n}", `${told.seconds}`) : "";
    if (notice.textContent !== words) {
      // A countdown is said once, not every second.
      if (words && !(told?.kind === "busy" && notice.textContent)) say(words);
      notice.textContent = words;
      if (follow) toEnd();
    }
    const now = !told && messages.some((one) => one.state === "sending");
    if (now && !answering) say(texts.answering.replace("{name}", name));
    answering = now;
    log.classList.toggle("busy", now && !messages.some((one) => one.state === "streaming"));
    // A person from the first answer on, stars when there is something to rate.
    const answers = conversation.id() ? messages.filter((one) => one.from === "agent" && one.state === "done").length : 0;
    if (personDue && answers) personDue = person.hidden = false;
    if (rateDue && answers > 1) rateDue = rate.hidden = false;
  };

  const ask = (said: string): void => {
    open();
    conversation.ask(said);
    show();
    toEnd();
  };

  return {
    launcher,
    dialog,
    hello: hello.node,
    open,
    close,
    ask,
    changed() {
      frame ||= requestAnimationFrame(show);
    },
    answered({ text }) {
      say(text.length > SPOKEN ? `${text.slice(0, SPOKEN)} …` : text);
    },
    fit,
  };
}
