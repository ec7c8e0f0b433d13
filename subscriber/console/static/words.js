// Numbers, times and values in words, in the viewer's language and time zone.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const significant = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const exact = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 7, useGrouping: false });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const hours = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const clock = new Intl.DateTimeFormat(undefined, { ...hours, second: "2-digit" });
const minute = new Intl.DateTimeFormat(undefined, hours);
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

export const none = "–";

export function count(value) {
  return value == null ? none : whole.format(value);
}

export function rate(value) {
  return value == null ? none : `${(value < 10 ? tenths : whole).format(value)}/s`;
}

export function share(part, all) {
  return all ? percent.format(part / all) : none;
}

// a power of ten in milliseconds, short enough for an axis
export function tick(value) {
  return value < 1000 ? `${whole.format(value)} ms` : `${whole.format(value / 1000)} s`;
}

export function milliseconds(value) {
  if (value == null) return none;
  if (value < 1000) return `${significant.format(value)} ms`;
  if (value < 60_000) return `${significant.format(value / 1000)} s`;
  return duration(value / 1000);
}

export function duration(seconds) {
  const s = Math.floor(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

// a value of a row, exactly as far as seven digits go
export function value(given) {
  if (given == null) return none;
  return typeof given === "number" ? exact.format(given) : String(given);
}

export function figure(given) {
  return given == null ? none : significant.format(given);
}

export const time = (seconds) => clock.format(seconds * 1000);
export const hour = (seconds) => minute.format(seconds * 1000);
export const date = (seconds) => day.format(seconds * 1000);
export const utc = (seconds) => new Date(seconds * 1000).toISOString();
