/** Answers the widget's calls inside a preview frame: no session is opened, nothing is sent, nothing is charged. */

import type { PreviewState } from "./protocol";

/** An address that leads nowhere, should a call ever pass by the answers here. */
export const NOWHERE = "https://preview.invalid";

const WORDS: Record<string, { question: string; answer: string; source: string }> = {
  en: {
    question: "Are you open on Saturday?",
    answer: "This is a preview: nothing was asked and nothing is charged. An answer of your agent looks like this, with **words that matter**, lists\n\n- one thing,\n- another,\n\nand the source that it comes from. [1]",
    source: "Opening hours",
  },
  ar: {
    question: "هل تفتحون يوم السبت؟",
    answer: "هذه معاينة: لم يُرسل أي سؤال ولن يُحتسب أي مبلغ. هكذا تبدو إجابة الوكيل، مع **كلمات مهمة** وقوائم\n\n- شيء أول،\n- وشيء آخر،\n\nومع المصدر الذي جاءت منه. [1]",
    source: "ساعات العمل",
  },
};

const wordsOf = (locale: string) => WORDS[locale.replace(/-.*/, "").toLowerCase()] ?? WORDS.en!;

/** What the visitor of the preview asks where the widget suggests no question. */
export const questionIn = (locale: string): string => wordsOf(locale).question;

const json = (body: object, status = 200): Response => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const refused = (status: number, code: string): Response => json({ status, code }, status);

/** A stream of server-sent events as the chat sends them; `pause` milliseconds between the words. */
function answered(locale: string, pause: number, handOff: boolean): Response {
  const { answer, source } = wordsOf(locale);
  const events = [
    event("start", { conversation_id: "cnv_preview", message_id: "msg_preview" }),
    ...answer.split(/(?<= )/).map((text) => event("delta", { text })),
    event("sources", { sources: [{ number: 1, title: source }] }),
    ...(handOff ? [event("action", { type: "hand_off" })] : []),
    event("done", { conversation_id: "cnv_preview", message_id: "msg_preview", outcome: "completed" }),
  ];
  const encoder = new TextEncoder();
  return new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        const next = events.shift();
        if (next === undefined) return controller.close();
        if (pause) await new Promise((over) => setTimeout(over, pause));
        controller.enqueue(encoder.encode(next));
      },
    }),
    { headers: { "Content-Type": "text/event-stream" } },
  );
}

/** The answer to a call to `NOWHERE`. */
export function canned(method: string, path: string, state: PreviewState, locale: string, pause: number): Response {
  if (path.endsWith("/sessions")) return json({ token: "preview", expires_at: new Date(Date.now() + 3_600_000).toISOString(), session_id: "ses_preview", visitor_id: "vis_preview" }, 201);
  if (path === "/api/chat" && method === "GET") return json({ messages: [] });
  if (path !== "/api/chat") return json({});
  if (state === "away") return refused(402, "cap_reached");
  if (state === "error") return new Response(event("error", { status: 503, code: "model_unavailable" }), { headers: { "Content-Type": "text/event-stream" } });
  return answered(locale, pause, state === "hand_off");
}
