// The list's cards: each is made once and then changed, so that focus and screen readers stay where they are.
import { duration, moment, number, rows } from "./words.js";

const LOOKS = 10;
export const ENDED = ["done", "failed", "cancelled"];
export const running = (task) => !ENDED.includes(task.status);
const finished = (task) => task.rows_done + task.rows_failed;

export class Card {
  #looks = []; // [milliseconds, finished rows]

  // `act` hears what is to be done with the task.
  constructor(task, act) {
    this.element = document.getElementById("task").content.firstElementChild.cloneNode(true);
    this.element.addEventListener("click", (event) => {
      const verb = event.target.closest("button")?.dataset.do;
      if (verb) act(this, verb);
    });
    const short = task.id.slice(0, 8);
    const labels = { csv: "Result as CSV", json: "Result as JSON", parquet: "Result as Parquet", input: "Input", cancel: "Cancel", remove: "Remove" };
    for (const button of this.element.querySelectorAll("button"))
      button.setAttribute("aria-label", `${labels[button.dataset.do]}, task ${short} of ${task.model}`);
    this.#part(".results").setAttribute("aria-label", `Result of task ${short}`);
    this.#part(".bar").setAttribute("aria-label", `Progress of task ${short} of ${task.model}`);
    this.show(task);
  }

  show(task) {
    this.task = task;
    this.#look(task);
    this.element.dataset.status = task.status;
    this.element.dataset.id = task.id;
    this.#write(".model", task.model);
    this.#write(".version", task.version ? `version ${task.version}` : "");
    this.#write(".status", task.status);
    this.#write(".counts", this.#counts(task));
    this.#write(".times", this.#times(task));
    this.#write(".error", task.error ?? "");
    this.#part(".error").hidden = !task.error;
    this.#write(".id", task.id);
    this.#bar(task);
    this.#write(".what", task.status === "done" || task.status === "failed" ? "Result" : "Result so far");
    this.#part(".results").hidden = task.status === "queued";
    this.#part("[data-do=cancel]").hidden = !running(task);
  }

  // Tells below the buttons what is being done, or what went wrong with it.
  tell(words, problem = false) {
    const line = this.#part(".doing");
    line.textContent = words;
    line.hidden = !words;
    line.classList.toggle("problem", problem);
    line.classList.toggle("faint", !problem);
  }

  busy(verb, on) {
    this.#part(`[data-do=${verb}]`).disabled = on;
  }

  #bar(task) {
    const share = (count) => `${task.rows_total ? (100 * count) / task.rows_total : 0}%`;
    this.#part(".bar .done").style.width = share(task.rows_done);
    this.#part(".bar .failed").style.width = share(task.rows_failed);
    const bar = this.#part(".bar");
    bar.setAttribute("aria-valuemax", task.rows_total);
    bar.setAttribute("aria-valuenow", finished(task));
    bar.setAttribute("aria-valuetext", `${task.status}, ${this.#counts(task)}`);
  }

  #counts(task) {
    const failed = task.rows_failed ? `, ${number(task.rows_failed)} with an error` : "";
    if (task.status === "done") return `${rows(task.rows_total)}${failed}`;
    return `${number(finished(task))} of ${rows(task.rows_total)}${failed}`;
  }

  #times(task) {
    const said = [`created ${moment(task.created_at)}`];
    if (task.started_at && task.finished_at) {
      const seconds = (new Date(task.finished_at) - new Date(task.started_at)) / 1000;
      said.push(`took ${duration(seconds)}`);
      if (finished(task) && seconds > 0) said.push(`${number(finished(task) / seconds)} rows/s`);
    } else if (task.finished_at) said.push(`ended ${moment(task.finished_at)}`);
    else if (task.started_at) {
      const pace = this.#pace();
      if (pace) said.push(`${number(pace)} rows/s`, `${duration((task.rows_total - finished(task)) / pace)} left`);
    }
    return said.join(" · ");
  }

  #look(task) {
    this.#looks.push([performance.now(), finished(task)]);
    if (this.#looks.length > LOOKS) this.#looks.shift();
  }

  // Rows a second over the last looks; 0 while nothing moves.
  #pace() {
    const [[then, before], [now, after]] = [this.#looks[0], this.#looks.at(-1)];
    return now > then ? Math.max(0, after - before) / ((now - then) / 1000) : 0;
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  #write(selector, words) {
    const part = this.#part(selector);
    if (part.textContent !== words) part.textContent = words;
  }
}
