// Keeps the page true to the stream of events: one tab a pipeline, and a word when nothing is heard.
import { Charts } from "./charts.js";
import { answers, by, causes, lastHead, last, letters, make, partitions, started, text, waits } from "./parts.js";
import { count, duration, time, utc } from "./words.js";

const HISTORY = 600;
const SILENT_MS = 3500;
const REOPEN_MS = 10_000;

const pipelines = new Map();
const charts = new Charts();
let startedAt = 0;
let drawn = null;
let held = false;

// ---- what is shown

function chosen() {
  const named = decodeURIComponent(location.hash.slice(1));
  return pipelines.has(named) ? named : pipelines.keys().next().value;
}

function draw() {
  const name = chosen();
  if (name === undefined) return;
  const p = pipelines.get(name);
  by("main").hidden = false;
  tabs(name);
  document.title = `${name} · Stream Serving`;
  if (drawn !== name) {
    drawn = name;
    hold(false);
    lastHead(by("last-head"), p.about);
    by("last").replaceChildren();
    by("letters").replaceChildren();
  }
  text(by("topic"), p.about.topic);
  text(by("model"), p.about.model);
  text(by("version"), p.version ? `version ${p.version}` : "");
  text(by("table"), p.about.table);
  by("state").dataset.tone = p.state.tone;
  text(by("state-word"), p.state.word);
  text(by("state-words"), p.state.words);
  waits(by("waits"), p.waiting, p.troubles);
  const [, , dead, , , , lag] = p.second;
  charts.update(p.history, { ...p.recent, dead, lag });
  totals(p);
  partitions(by("partitions"), p.partitions);
  by("partitions-empty").hidden = p.partitions.length > 0;
  answers(by("answers-body"), p.answers);
  const anyDead = Object.keys(p.causes).length > 0;
  by("dead-empty").hidden = anyDead;
  by("causes-table").hidden = !anyDead;
  causes(by("causes"), p.causes);
  letters(by("letters"), p.letters);
  if (!held) last(by("last"), p.last, p.about);
  by("last-table").hidden = by("hold").hidden = p.last.length === 0;
  text(by("last-empty"), p.last.length ? "" : `No rows yet; waiting for topic ${p.about.topic}.`);
}

function totals({ totals: { rows, deleted, failed, retries }, causes: dead }) {
  started(by("started"), startedAt);
  text(by("total-rows"), count(rows));
  text(by("total-dead"), count(Object.values(dead).reduce((a, b) => a + b, 0)));
  text(by("total-deleted"), count(deleted));
  text(by("total-failed"), count(failed));
  by("failed").hidden = failed === 0;
  const some = Object.entries(retries).filter(([, n]) => n > 0);
  const sum = some.reduce((total, [, n]) => total + n, 0);
  text(by("total-retries"), some.length ? `${count(sum)} (${some.map(([s, n]) => `${s} ${count(n)}`).join(", ")})` : "0");
}

function tabs(name) {
  const list = by("pipelines");
  const names = [...pipelines.keys()];
  if (list.children.length !== names.length || [...list.children].some((li, i) => li.textContent !== names[i])) {
    list.replaceChildren(...names.map((n) => make("li", {}, make("a", { href: `#${encodeURIComponent(n)}`, words: n }))));
  }
  names.forEach((n, i) => {
    const link = list.children[i].firstChild;
    const { tone, word } = pipelines.get(n).state;
    link.dataset.tone = tone;
    link.title = word;
    if (n === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

function hold(pressed) {
  held = pressed;
  by("hold").setAttribute("aria-pressed", String(pressed));
  text(by("hold"), pressed ? "Held – go on" : "Hold");
}

by("hold").addEventListener("click", () => {
  hold(!held);
  draw();
});
addEventListener("hashchange", draw);

// ---- what is heard

let source = null;
let heardAt = 0;
let again = 0;

function take(event) {
  heardAt = Date.now();
  const told = JSON.parse(event.data);
  if (event.type === "all") {
    pipelines.clear();
    startedAt = told.started;
    drawn = null;
  }
  for (const [name, news] of Object.entries(told.pipelines)) {
    const p = Object.assign(pipelines.get(name) ?? {}, news);
    pipelines.set(name, p);
    if (event.type === "news") append(p.history, p.second);
  }
  draw();
  connection();
}

function append(history, second) {
  Object.values(history).forEach((column, i) => {
    column.push(second[i]);
    if (column.length > HISTORY) column.shift();
  });
}

function open() {
  clearTimeout(again);
  source?.close();
  source = new EventSource("events");
  source.addEventListener("all", take);
  source.addEventListener("news", take);
  source.addEventListener("error", () => {
    connection();
    // the browser tries again by itself, unless the answer was no stream
    if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 2000);
  });
}

function connection() {
  if (document.hidden) return;
  const silent = Date.now() - heardAt;
  const live = source?.readyState === EventSource.OPEN && silent < SILENT_MS;
  const place = by("connection");
  document.body.classList.toggle("stale", !live);
  place.dataset.tone = live ? "good" : heardAt ? "failed" : "waiting";
  place.title = heardAt ? `last heard ${utc(heardAt / 1000)}` : "";
  if (live) text(place, "live");
  else if (heardAt) text(place, `not connected since ${time(heardAt / 1000)}; trying again`);
  else text(place, "connecting");
  if (source?.readyState === EventSource.OPEN && heardAt && silent > REOPEN_MS) open();
}

// a browser opens six connections to one address: pages that nobody sees leave theirs to others
document.addEventListener("visibilitychange", () => {
  if (document.hidden) source?.close();
  else open();
});
setInterval(connection, 1000);
if (!document.hidden) open();
