/** Calls that the page around a frame answers, since it is the page that is signed in: the frame holds no token. */

import type { Call, Carried } from "./protocol";

/** The answer to a call, as it comes. Aborting the request stops it. */
export function carried(request: Request): Promise<Response> {
  const { port1: port, port2 } = new MessageChannel();
  const encoder = new TextEncoder();
  return new Promise((answer, fail) => {
    let over = false;
    const stop = () => {
      if (over) return;
      over = true;
      port.postMessage("stop");
      port.close();
    };
    const body = new ReadableStream<Uint8Array>({
      start(pieces) {
        request.signal.addEventListener("abort", () => {
          if (!over) pieces.error(request.signal.reason);
          stop();
          fail(request.signal.reason);
        });
        port.onmessage = ({ data }: MessageEvent<Carried>) => {
          if (over) return;
          if (typeof data === "string") pieces.enqueue(encoder.encode(data));
          else if (data === null) {
            over = true;
            pieces.close();
            port.close();
          } else answer(new Response(body, { status: data.status, headers: { "Content-Type": data.type, ...(data.retryAfter === null ? {} : { "Retry-After": String(data.retryAfter) }) } }));
        };
      },
      cancel: stop,
    });
    void request.text().then((sent) => {
      const call: Call = { type: "call", method: request.method, path: new URL(request.url).pathname, key: request.headers.get("Idempotency-Key") ?? "", body: sent };
      parent.postMessage(call, location.origin, [port2]);
    }, fail);
  });
}
