/** What the closed chat says by itself, once a session: after a time or a share of the page, the first of both. */

import type { Config } from "./config";
import { button, h, icon } from "./dom";
import type { Store } from "./storage";

export const CROSS = "M6 6l12 12M18 6L6 18";

export interface Proactive {
  readonly node: HTMLElement;
  /** Say nothing more in this session: the visitor has met the chat. */
  hush(): void;
}

/** `open` opens the chat; `visit` remembers as long as the visit lasts. */
export function openProactive({ texts, proactive }: Config, open: () => void, visit: Store): Proactive {
  const { seconds, percent } = proactive;
  // A live region that is there before its words, so that they are read out.
  const node = h("div", { class: "hello", role: "status" });
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stop = (): void => {
    clearTimeout(timer);
    removeEventListener("scroll", scrolled);
    visit.write({ met: "1" });
  };
  const hush = (): void => {
    stop();
    node.replaceChildren();
  };
  const say = (): void => {
    stop();
    node.append(
      button("", texts.proactive, [texts.proactive], open),
      button("icon", texts.dismiss, [icon(CROSS)], hush),
    );
  };
  const scrolled = (): void => {
    const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
    if (scrollTop * 100 >= (scrollHeight - clientHeight) * percent) say();
  };

  if (!visit.read().met) {
    if (seconds) timer = setTimeout(say, seconds * 1000);
    if (percent) addEventListener("scroll", scrolled, { passive: true });
  }
  return { node, hush };
}
