// A new task: a file, a model, and the way of the file to the service.
import { Away, refusal } from "./session.js";
import { size } from "./words.js";

const at = (id) => document.getElementById(id);
const KINDS = {
  csv: "text/csv",
  json: "application/json",
  ndjson: "application/x-ndjson",
  jsonl: "application/x-ndjson",
  parquet: "application/vnd.apache.parquet",
};
const READ = "Sent. The service reads it …";

export class NewTask {
  #session;
  #models = [];
  #file = null;
  #sending = null;
  // what is sent again after a broken connection is the same task
  #key = null;

  constructor(session, made) {
    this.#session = session;
    this.made = made;
    at("file").addEventListener("change", (event) => this.#take(event.target.files));
    at("model").addEventListener("change", () => this.#modelChosen());
    at("version").addEventListener("change", () => (this.#key = null));
    at("stop-sending").addEventListener("click", () => this.#sending?.abort());
    at("new").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.toggle("over", !at("new").hidden);
    });
    document.addEventListener("dragleave", () => document.body.classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("over");
      if (!at("new").hidden) this.#take(event.dataTransfer.files);
    });
  }

  // The models that take tasks.
  offer(models) {
    this.#models = models;
    at("model").replaceChildren(...models.map((model) => new Option(model.name)));
    this.#modelChosen();
    if (!models.length) this.#tell("No model takes tasks here.");
  }

  clear() {
    this.#sending?.abort();
    this.#choose(null);
    this.#tell("");
  }

  #modelChosen() {
    this.#key = null;
    const model = this.#models.find((each) => each.name === at("model").value);
    const versions = (model?.versions ?? []).map((version) => new Option(version));
    at("version").replaceChildren(new Option("as served", ""), ...versions);
    at("columns").textContent = model ? `Columns: ${columns(model)}.` : "";
    this.#ready();
  }

  #take(files) {
    const file = files[0];
    if (!file || this.#sending) return;
    if (!kind(file)) return this.#tell(`${file.name} is no CSV, JSON, JSON lines (.jsonl, .ndjson) or Parquet file.`);
    this.#choose(file);
    this.#tell("");
  }

  #choose(file) {
    this.#file = file;
    this.#key = null;
    at("file").value = "";
    at("chosen").textContent = file ? `${file.name}, ${size(file.size)}` : "or drop one here";
    at("chosen").classList.toggle("faint", !file);
    this.#ready();
  }

  #ready() {
    at("send").disabled = !this.#file || !this.#models.length || this.#sending !== null;
  }

  #tell(problem) {
    at("new-problem").textContent = problem;
    at("new-problem").hidden = !problem;
  }

  async #send() {
    if (at("send").disabled) return;
    this.#key ??= unique();
    this.#tell("");
    const form = new FormData();
    form.append("model", at("model").value);
    if (at("version").value) form.append("version", at("version").value);
    form.append("file", new File([this.#file], this.#file.name, { type: kind(this.#file) }));
    const request = (this.#sending = new XMLHttpRequest());
    this.#ready();
    at("sending").hidden = false;
    this.#sent(0, this.#file.size);
    try {
      const task = await this.#session.during(this.#post(request, form));
      this.#choose(null);
      this.made(task);
    } catch (error) {
      if (error) this.#tell(error.message + (error instanceof Away ? " Submit again: it will not be two tasks." : ""));
    } finally {
      this.#sending = null;
      at("sending").hidden = true;
      this.#ready();
    }
  }

  // The task; nothing is thrown but null if the person stopped it.
  #post(request, form) {
    const token = this.#session.token;
    return new Promise((resolve, reject) => {
      request.upload.addEventListener("progress", (event) => this.#sent(event.loaded, event.total));
      request.upload.addEventListener("load", () => this.#sent(1, 1, READ));
      request.addEventListener("abort", () => reject(null));
      request.addEventListener("error", () => reject(new Away()));
      request.addEventListener("load", () => {
        if (request.status === 401) this.#session.expired(token);
        if (request.status === 202 && request.response) return resolve(request.response);
        const refused = refusal(request.status, request.response, request.getResponseHeader("Retry-After"));
        // the same upload, whose connection broke, is still in hand
        reject(request.status === 409 ? new Away(refused.message) : refused);
      });
      request.open("POST", "../tasks");
      request.responseType = "json";
      request.setRequestHeader("Authorization", `Bearer ${token}`);
      request.setRequestHeader("Idempotency-Key", this.#key);
      request.send(form);
    });
  }

  #sent(bytes, total, words = `${size(bytes)} of ${size(total)}`) {
    at("sent").value = total ? bytes / total : 0;
    at("sent-words").textContent = words;
  }
}

// The columns that a model takes; of very many the first and the last.
function columns(model) {
  const names = model.inputs.map((input) => input.name);
  return (names.length > 16 ? [...names.slice(0, 3), "…", names.at(-1)] : names).join(", ");
}

const kind = (file) => KINDS[file.name.split(".").pop().toLowerCase()];

// crypto.randomUUID is there on secure origins alone.
function unique() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
