/** The events of an answer as it comes: `text/event-stream` read from a fetch, since EventSource can neither post nor sign in. */

import { Problem, problemOf } from "../api/problem";

export interface Event {
  name: string;
  data: Record<string, unknown>;
}

/** Yields each event until the stream ends; what is cut off in the middle of an event is dropped. */
export async function* events(response: Response): AsyncGenerator<Event> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value.replace(/\r\n?/g, "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
    }
  } finally {
    // Also when the reader of the events stops early: the server then hears that nobody waits.
    await reader.cancel().catch(() => undefined);
  }
}

function parsed(block: string): Event | undefined {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    // A line that begins with a colon is the heartbeat.
    if (at < 1) continue;
    const value = line.slice(at + 1).replace(/^ /, "");
    if (line.slice(0, at) === "event") name = value;
    else if (line.slice(0, at) === "data") data.push(value);
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) as Record<string, unknown> } : undefined;
}

/** The problem in an `error` event: what the status line could not say any more. */
export function problemIn(event: Event): Problem {
  const status = typeof event.data.status === "number" && event.data.status >= 400 ? event.data.status : 500;
  return problemOf(new Response(null, { status }), event.data);
}
