/** Puts the widget's real script tag on a page that enforces Trusted Types. */

interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Where the CDN's script is. `cdn` is config.json's address. */
export const scriptOf = (cdn: string): string => `${cdn.replace(/\/$/, "")}/v1/widget.js`;

/** Insert the tag with its `data-…` attributes; resolves when it is there, rejects when it cannot be fetched. */
export function insertWidget(cdn: string, attributes: Record<string, string>): Promise<void> {
  const address = new URL(scriptOf(cdn), location.href).href;
  const policies: Policies | undefined = Reflect.get(globalThis, "trustedTypes");
  // The policy knows one address and makes no other one trusted.
  const policy = policies?.createPolicy("agenthub-console", {
    createScriptURL(url) {
      if (url === address) return url;
      throw new TypeError("Not the widget's script");
    },
  });
  const tag = document.createElement("script");
  tag.async = true;
  Object.assign(tag.dataset, attributes);
  return new Promise((there, failed) => {
    tag.addEventListener("load", () => there());
    tag.addEventListener("error", () => failed(new Error(`${address} could not be fetched`)));
    tag.src = policy?.createScriptURL(address) ?? address;
    document.head.append(tag);
  });
}
