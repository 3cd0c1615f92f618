/** When a person can be reached: always, or spans for each weekday in a time zone. */

import { useState } from "preact/hooks";
import { Field, Input, Radios, Select } from "../../parts/fields";
import type { Form } from "../../parts/form";
import { workspace } from "../../session/session";
import { DAYS, type Hours, NAMES, POINTERS, type Values } from "./values";

const WORKDAY = ["09:00-17:00"];

export function HoursField({ form }: { form: Form<Values> }) {
  const { hours } = form.values;
  const zone = workspace.value?.time_zone ?? "UTC";
  const set = (next: Hours | null) => form.set("hours", next);
  return (
    <Field label={NAMES.hours} group hint="Outside these hours the agent says when you are back instead of promising somebody." error={form.error("hours", POINTERS.hours)}>
      <Radios
        name="hours"
        value={hours ? "days" : "always"}
        onChange={(value) => set(value === "always" ? null : { time_zone: zone, monday: WORKDAY, tuesday: WORKDAY, wednesday: WORKDAY, thursday: WORKDAY, friday: WORKDAY, saturday: [], sunday: [] })}
        options={[
          { value: "always", label: "Always" },
          { value: "days", label: "At these hours" },
        ]}
      />
      {hours && <Days hours={hours} set={set} form={form} />}
    </Field>
  );
}

function Days({ hours, set, form }: { hours: Hours; set: (hours: Hours) => void; form: Form<Values> }) {
  const zones = Intl.supportedValuesOf("timeZone");
  const known = zones.includes(hours.time_zone) ? zones : [hours.time_zone, ...zones];
  return (
    <div class="hours inset">
      <Field label="Time zone">
        <Select value={hours.time_zone} onChange={(time_zone) => set({ ...hours, time_zone })} options={known.map((value) => ({ value, label: value.replace(/_/g, " ") }))} />
      </Field>
      {DAYS.map((day) => (
        <Day key={day} day={day} spans={hours[day] ?? []} set={(spans) => set({ ...hours, [day]: spans })} form={form} />
      ))}
      <p class="hint muted">As 09:00-12:30, 13:30-18:00; empty means closed.</p>
    </div>
  );
}

type Weekday = (typeof DAYS)[number];

const nameOf = (day: Weekday): string => day.charAt(0).toUpperCase() + day.slice(1);
const spansIn = (text: string): string[] => text.split(",").map((span) => span.trim().replace(/\s*[–-]\s*/, "-")).filter(Boolean);

function Day({ day, spans, set, form }: { day: Weekday; spans: string[]; set: (spans: string[]) => void; form: Form<Values> }) {
  const [text, setText] = useState(spans.join(", "));
  const [left, setLeft] = useState(false);
  // As somebody types it, with a comma behind which nothing stands yet; what came from elsewhere replaces it.
  const shown = spansIn(text).join() === spans.join() ? text : spans.join(", ");
  const told = left || form.error("hours") !== undefined;
  return (
    <Field label={nameOf(day)} pointer={`${POINTERS.hours}/${day}`} error={form.problem?.at(`${POINTERS.hours}/${day}`) ?? (told && wrong(spans) ? "Write it as 09:00-17:00." : undefined)} onBlur={() => setLeft(true)}>
      <Input
        value={shown}
        placeholder="Closed"
        dir="ltr"
        onInput={(next) => {
          setText(next);
          set(spansIn(next));
        }}
      />
    </Field>
  );
}

const SPAN = /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const wrong = (spans: readonly string[]): boolean => spans.some((span) => !SPAN.test(span));

/** What is wrong with the hours before they are sent. */
export function hoursError(hours: Hours | null): string | undefined {
  const day = hours && DAYS.find((one) => wrong(hours[one] ?? []));
  return day ? `Write the hours of ${nameOf(day)} as 09:00-17:00.` : undefined;
}
