/**
 * What the script tag on a customer's page names: short-lived and small, it only brings in the immutable hashed file
 * and has the browser check that file's digest.
 */

declare const FILE: string;
declare const INTEGRITY: string;

interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** `url` in the form that a page with Trusted Types asks for. */
function trusted(url: string): string {
  const policies: Policies | undefined = Reflect.get(globalThis, "trustedTypes");
  try {
    return policies?.createPolicy("agenthub", { createScriptURL: (same) => same }).createScriptURL(url) ?? url;
  } catch {
    return url;
  }
}

const tag = document.currentScript;
if (tag instanceof HTMLScriptElement) {
  const script = document.createElement("script");
  script.crossOrigin = "anonymous";
  script.integrity = INTEGRITY;
  script.nonce = tag.nonce;
  Object.assign(script.dataset, tag.dataset);
  script.src = trusted(new URL(FILE, tag.src).href);
  tag.after(script);
}

export {};
