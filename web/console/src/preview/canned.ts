/** Answers the widget's calls inside a preview frame: no session is opened, nothing is sent, nothing is charged. */

import type { PreviewState } from "./protocol";

/** An address that leads nowhere, should a call ever pass by the answers here. */
export const NOWHERE = "https://preview.invalid";

/** A question, an answer in parts (its begin, two items, its end) and the title of its source, by language. */
type Sample = readonly [question: string, begin: string, one: string, other: string, end: string, source: string];

const SAMPLES: Record<string, Sample> = {
  en: ["Are you open on Saturday?", "This is a preview: nothing was asked and nothing is charged. An answer looks like this, with **words that matter**, lists", "one thing,", "another,", "and the source that it comes from. [1]", "Opening hours"],
  ar: ["هل تفتحون يوم السبت؟", "هذه معاينة: لم يُرسل أي سؤال ولن يُحتسب أي مبلغ. هكذا تبدو الإجابة، مع **كلمات مهمة** وقوائم", "شيء أول،", "وشيء آخر،", "ومع المصدر الذي جاءت منه. [1]", "ساعات العمل"],
  de: ["Haben Sie samstags geöffnet?", "Dies ist eine Vorschau: Nichts wurde gefragt, nichts wird berechnet. So sieht eine Antwort aus, mit **wichtigen Worten**, Listen", "das eine,", "das andere,", "und der Quelle, aus der sie stammt. [1]", "Öffnungszeiten"],
  es: ["¿Abren los sábados?", "Esto es una vista previa: no se ha preguntado nada y no se cobra nada. Así se ve una respuesta, con **palabras importantes**, listas", "una cosa,", "otra,", "y la fuente de la que procede. [1]", "Horario"],
  fr: ["Êtes-vous ouverts le samedi ?", "Ceci est un aperçu : rien n’a été demandé, rien n’est facturé. Voici à quoi ressemble une réponse, avec des **mots importants**, des listes", "une chose,", "une autre,", "et la source dont elle vient. [1]", "Horaires"],
  it: ["Siete aperti il sabato?", "Questa è un’anteprima: nulla è stato chiesto e nulla viene addebitato. Una risposta appare così, con **parole importanti**, elenchi", "una cosa,", "un’altra,", "e la fonte da cui proviene. [1]", "Orari"],
  ja: ["土曜日は営業していますか？", "これはプレビューです。質問は送信されず、料金もかかりません。回答はこのように表示されます。**大切な言葉**、リスト", "ひとつめ", "ふたつめ", "そして出典です。 [1]", "営業時間"],
  nl: ["Bent u op zaterdag open?", "Dit is een voorbeeld: er is niets gevraagd en er wordt niets in rekening gebracht. Zo ziet een antwoord eruit, met **belangrijke woorden**, lijsten", "het ene,", "het andere,", "en de bron waaruit het komt. [1]", "Openingstijden"],
  pl: ["Czy jest otwarte w sobotę?", "To jest podgląd: o nic nie zapytano i nic nie kosztuje. Tak wygląda odpowiedź, z **ważnymi słowami**, listami", "jedno,", "drugie,", "i źródłem, z którego pochodzi. [1]", "Godziny otwarcia"],
  pt: ["Abrem ao sábado?", "Isto é uma pré-visualização: nada foi perguntado e nada é cobrado. Uma resposta aparece assim, com **palavras importantes**, listas", "uma coisa,", "outra,", "e a fonte de onde vem. [1]", "Horário"],
  ru: ["Вы работаете в субботу?", "Это предварительный просмотр: ничего не спрошено и ничего не оплачивается. Так выглядит ответ: **важные слова**, списки", "одно,", "другое,", "и источник, из которого он взят. [1]", "Часы работы"],
  sv: ["Har ni öppet på lördag?", "Det här är en förhandsvisning: inget har frågats och inget debiteras. Så ser ett svar ut, med **viktiga ord**, listor", "det ena,", "det andra,", "och källan som det kommer från. [1]", "Öppettider"],
  tr: ["Cumartesi açık mısınız?", "Bu bir önizlemedir: hiçbir şey sorulmadı, hiçbir ücret alınmaz. Bir yanıt böyle görünür; **önemli sözler**, listeler", "biri,", "öteki,", "ve geldiği kaynak. [1]", "Çalışma saatleri"],
  zh: ["你们星期六营业吗？", "这是预览：没有发送任何问题，也不会收费。回答看起来是这样的，有**重要的词**、列表", "其一，", "其二，", "以及它的来源。 [1]", "营业时间"],
};

const sampleIn = (locale: string): Sample => SAMPLES[locale.replace(/-.*/, "").toLowerCase()] ?? SAMPLES.en!;

/** What the visitor of the preview asks where the widget suggests no question. */
export const questionIn = (locale: string): string => sampleIn(locale)[0];

const json = (body: object, status = 200): Response => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
const event = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const refused = (status: number, code: string): Response => json({ status, code }, status);

/** A stream of server-sent events as the chat sends them; `pause` milliseconds between the words. */
function answered(locale: string, pause: number, handOff: boolean): Response {
  const [, begin, one, other, end, source] = sampleIn(locale);
  const answer = `${begin}\n\n- ${one}\n- ${other}\n\n${end}`;
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
