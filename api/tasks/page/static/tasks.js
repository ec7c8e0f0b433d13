// One's tasks: signing in, looking at them again and again, and what is done with each.
import { download } from "./download.js";
import { Card, running } from "./list.js";
import { Away, Session } from "./session.js";
import { NewTask } from "./submit.js";
import { duration, rows } from "./words.js";

const at = (id) => document.getElementById(id);
const QUICK = 1; // seconds between two looks while something runs
const SLOW = 10;
const HIDDEN = 30; // in a tab that nobody sees
const LONGEST = 30; // between two tries while the service is away
const PAGE = 50;

const session = new Session(left);
const newTask = new NewTask(session, made);
const cards = new Map(); // id -> Card, newest first
let next = null; // where the tasks go on that are not loaded
let failures = 0;
let timer = null;
let round = 0; // only the newest look counts
let knowsModels = false;
let answer = null; // hears whether the task that is asked about is to be removed

// ---- signing in and out

function entered() {
  at("sign-in").hidden = true;
  at("notice").hidden = true;
  for (const id of ["new", "tasks", "who"]) at(id).hidden = false;
  at("user").textContent = session.user;
  look();
}

function left(why) {
  round += 1;
  clearTimeout(timer);
  forget();
  newTask.clear();
  knowsModels = false;
  failures = 0;
  for (const id of ["new", "tasks", "who"]) at(id).hidden = true;
  if (at("sure").open) at("sure").close("");
  at("notice").textContent = why;
  at("notice").hidden = !why;
  away("");
  at("sign-in").hidden = false;
  at(at("name").value ? "password" : "name").focus();
}

at("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  at("enter").disabled = true;
  at("sign-in-problem").hidden = true;
  try {
    await session.signIn(at("name").value, at("password").value);
    at("password").value = "";
    entered();
  } catch (error) {
    at("sign-in-problem").textContent = error.message;
    at("sign-in-problem").hidden = false;
    at("password").select();
  } finally {
    at("enter").disabled = false;
  }
});
at("sign-out").addEventListener("click", () => session.signOut());

// ---- looking

async function look() {
  clearTimeout(timer);
  const mine = ++round;
  try {
    if (!knowsModels) await loadModels();
    const page = await (await session.ask(first())).json();
    const older = await olderRunning(page.tasks);
    if (mine !== round) return;
    refresh(page, older);
    failures = 0;
    away("");
  } catch (error) {
    if (mine !== round || !session.token) return;
    failures += 1;
    const wait = Math.max(Math.min(2 ** (failures - 1), LONGEST), error.seconds ?? 0);
    away(`${error.message} Trying again in ${duration(wait)}.`);
    timer = setTimeout(look, wait * 1000);
    return;
  }
  const anything = [...cards.values()].some((card) => running(card.task));
  timer = setTimeout(look, 1000 * (document.hidden ? HIDDEN : anything ? QUICK : SLOW));
}

function first() {
  const asked = new URLSearchParams({ limit: PAGE });
  if (at("of-status").value) asked.set("status", at("of-status").value);
  if (at("of-model").value) asked.set("model", at("of-model").value);
  return `../tasks?${asked}`;
}

async function loadModels() {
  const { models } = await (await session.ask("../models")).json();
  const taking = models.filter((model) => model.takes_tasks);
  const chosen = at("of-model").value;
  at("of-model").replaceChildren(new Option("any", ""), ...taking.map((model) => new Option(model.name)));
  at("of-model").value = taking.some((model) => model.name === chosen) ? chosen : "";
  newTask.offer(taking);
  knowsModels = true;
}

// Tasks that run, and are so far down the list that its first page has them no more.
async function olderRunning(newest) {
  const there = new Set(newest.map((task) => task.id));
  const asked = [...cards.values()].filter((card) => running(card.task) && !there.has(card.task.id)).slice(0, 20);
  const answers = asked.map(async ({ task }) => {
    try {
      return await (await session.ask(`../tasks/${task.id}`)).json();
    } catch (error) {
      if (error.status === 404) return { ...task, gone: true };
      throw error;
    }
  });
  return Promise.all(answers);
}

function refresh(page, older) {
  const oldest = page.tasks.at(-1);
  const there = new Set(page.tasks.map((task) => task.id));
  // what the page should have had and has not was removed elsewhere, or is filtered out
  for (const { task } of [...cards.values()])
    if (!there.has(task.id) && (!page.next || !oldest || newer(task, oldest))) drop(task.id);
  if (!cards.size) next = page.next && new URL(page.next, new URL(first(), location));
  for (const task of page.tasks) put(task);
  for (const task of older) {
    if (task.gone) drop(task.id);
    else if (cards.has(task.id)) cards.get(task.id).show(task);
  }
  inOrder();
}

function newer(one, other) {
  const between = Date.parse(one.created_at) - Date.parse(other.created_at);
  return between > 0 || (between === 0 && one.id > other.id);
}

function put(task) {
  const card = cards.get(task.id);
  if (!card) cards.set(task.id, new Card(task, act));
  else {
    if (running(card.task) && !running(task)) tell(`Task of ${rows(task.rows_total)}, ${task.model}: ${task.status}.`);
    card.show(task);
  }
}

function inOrder() {
  const ordered = [...cards.values()].sort((a, b) => (newer(a.task, b.task) ? -1 : 1));
  ordered.forEach(({ element }, place) => {
    if (at("list").children[place] !== element) at("list").insertBefore(element, at("list").children[place] ?? null);
  });
  const filtered = at("of-status").value || at("of-model").value;
  at("empty").textContent = filtered ? "No task is like that." : "No tasks yet: the first file makes the first one.";
  at("empty").hidden = cards.size > 0;
  at("more").hidden = !next;
}

function drop(id) {
  cards.get(id)?.element.remove();
  cards.delete(id);
}

function forget() {
  for (const id of [...cards.keys()]) drop(id);
  next = null;
  at("more").hidden = true;
  at("empty").hidden = true;
}

function away(words) {
  at("away").textContent = words;
  at("away").hidden = !words;
  document.body.classList.toggle("stale", Boolean(words));
}

const tell = (words) => (at("told").textContent = words);

for (const id of ["of-status", "of-model"])
  at(id).addEventListener("change", () => {
    forget();
    look();
  });
at("more").addEventListener("click", async () => {
  at("more").disabled = true;
  const mine = round;
  try {
    const page = await (await session.ask(next)).json();
    if (!session.token) return;
    for (const task of page.tasks) put(task);
    next = page.next && new URL(page.next, next);
    inOrder();
    tell(`${cards.size} tasks are listed.`);
  } catch (error) {
    if (mine === round) away(error.message);
  } finally {
    at("more").disabled = false;
  }
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && session.token) look();
});

// ---- doing

function made(task) {
  tell(`The task of ${rows(task.rows_total)} is ${task.status}.`);
  at("of-status").value = at("of-model").value = "";
  look();
}

async function act(card, verb) {
  const { task } = card;
  if (verb === "remove" && !(await sure(task))) return;
  card.busy(verb, true);
  card.tell("");
  try {
    if (verb === "remove") await remove(task);
    else if (verb === "cancel") await session.ask(`../tasks/${task.id}?keep=true`, { method: "DELETE" });
    else await fetchFile(card, verb);
    if (verb === "cancel" || verb === "remove") look();
  } catch (error) {
    if (session.token) card.tell(error.message, true);
    if (!(error instanceof Away)) look();
  } finally {
    card.busy(verb, false);
  }
}

async function fetchFile(card, verb) {
  const { task } = card;
  const partial = !["done", "failed"].includes(task.status);
  const [what, format] = verb === "input" ? ["input", "csv"] : ["result", verb];
  card.tell("Fetching …");
  const saved = await download(session, task, what, format, what === "result" && partial, (size) => card.tell(`Fetching … ${size}`));
  card.tell(saved ? `The ${what} is saved.` : "");
}

async function remove(task) {
  await session.ask(`../tasks/${task.id}`, { method: "DELETE" });
  drop(task.id);
  inOrder();
  tell("The task is removed.");
  at("tasks-title").focus();
}

function sure(task) {
  const stops = running(task) ? " It is still running, and will be cancelled." : "";
  at("sure-words").textContent = `The ${rows(task.rows_total)} of ${task.model} and their result go with it.${stops}`;
  at("sure").returnValue = "";
  at("sure").showModal();
  return new Promise((resolve) => (answer = resolve));
}

at("sure").addEventListener("close", () => {
  // a browser tells it late: by then there may be another question
  if (!at("sure").open) answer(at("sure").returnValue === "remove");
});

if (session.token) entered();
else left("");
