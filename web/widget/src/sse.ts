/** Splits a stream of server-sent events into events, however the network cut it. */

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/**
 * A reader that is fed chunks of text and returns the events that each chunk completes.
 *
 * Line ends may be LF, CR LF or CR, also cut between CR and LF; comments (heartbeats) give no event.
 */
export function eventReader(): (chunk: string) => ServerEvent[] {
  let rest = "";
  let name = "";
  let data: string[] = [];

  return (chunk) => {
    // A CR at the very end may be half of a CR LF: it stays until more has come.
    const lines = (rest + chunk).replace(/^\uFEFF/, "").split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (!line) {
        if (data.length) events.push({ name: name || "message", data: data.join("\n") });
        name = "";
        data = [];
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === "event") name = value ?? "";
      if (field === "data") data.push(value ?? "");
    }
    return events;
  };
}
