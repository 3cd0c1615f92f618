/** When a person can be reached: always, or spans for each weekday in a time zone. */

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
        <Field key={day} label={day.charAt(0).toUpperCase() + day.slice(1)} pointer={`${POINTERS.hours}/${day}`} error={form.problem?.at(`${POINTERS.hours}/${day}`) ?? wrong(hours[day] ?? [])}>
          <Input value={(hours[day] ?? []).join(", ")} placeholder="Closed" dir="ltr" onInput={(text) => set({ ...hours, [day]: text.split(",").map((span) => span.trim().replace(/\s*[–-]\s*/, "-")).filter((span, i, all) => span || i < all.length - 1) })} />
        </Field>
      ))}
      <p class="hint muted">As 09:00-12:30, 13:30-18:00; empty means closed.</p>
    </div>
  );
}

const SPAN = /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const wrong = (spans: readonly string[]): string | undefined => (spans.some((span) => !SPAN.test(span)) ? "Write it as 09:00-17:00." : undefined);
