// Numbers, times and refusals, as a person reads them.
const WHOLE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

export const number = (value) => WHOLE.format(value);
export const rows = (count) => `${number(count)} ${count === 1 ? "row" : "rows"}`;
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit += 1) bytes /= 1000;
  return `${unit && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

// A time in the largest unit of which there are two.
export function duration(seconds) {
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]])
    if (seconds >= 2 * length) return `${Math.round(seconds / length)} ${unit}`;
  return seconds < 10 ? `${Math.max(0, seconds).toFixed(1)} s` : `${Math.round(seconds)} s`;
}

export function moment(told) {
  const time = new Date(told);
  const today = time.toDateString() === new Date().toDateString();
  const day = today ? {} : { day: "numeric", month: "short", year: "numeric" };
  return time.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// What a problem of RFC 9457 says: its fields, if some are wrong, else its detail.
export function problem(body, status) {
  const fields = (body?.errors ?? []).map((each) => `${each.field}: ${each.problem}`);
  return sentence(fields.join("; ") || body?.detail || body?.title || `The service answers ${status}`);
}
