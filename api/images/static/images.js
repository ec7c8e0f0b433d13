// Asks which digit a drawing or a file shows, and tells what is answered.
import { Drawing } from "./drawing.js";

const at = (id) => document.getElementById(id);
const TYPES = ["image/png", "image/jpeg", "image/webp"];

let chosen = null; // a file instead of the drawing
let asked = 0; // only the newest question's answer is shown

const drawing = new Drawing(at("canvas"), () => {
  if (chosen) choose(null);
  ready();
});

function ready() {
  at("ask").disabled = !chosen && drawing.empty;
}

function choose(file) {
  if (chosen) URL.revokeObjectURL(at("chosen").src);
  chosen = file;
  at("chosen").hidden = !file;
  if (file) {
    drawing.clear();
    at("chosen").src = URL.createObjectURL(file);
  } else at("chosen").removeAttribute("src");
  at("file").value = "";
  ready();
}

function clear() {
  asked += 1;
  drawing.clear();
  choose(null);
  tell("Nothing asked yet.");
}

function tell(words, problem = "") {
  at("status").textContent = words;
  at("status").hidden = !words;
  at("problem").textContent = problem;
  at("problem").hidden = !problem;
  at("answer").hidden = true;
  at("digit").textContent = "";
}

function show(answer, archived) {
  tell("");
  at("digit").textContent = answer.predicted_class;
  at("confidence").value = answer.confidence;
  at("percent").textContent = `${(answer.confidence * 100).toFixed(1)} %`;
  at("version").textContent = answer.model_version;
  at("prediction").textContent = answer.prediction_id;
  at("archived").hidden = !archived;
  at("not-archived").hidden = archived;
  at("archived").href = answer.prediction_id;
  at("answer").hidden = false;
}

async function ask() {
  if (at("ask").disabled) return;
  const number = ++asked;
  tell("Asking …");
  try {
    const form = new FormData();
    form.append("file", chosen ?? (await drawing.file()));
    const response = await fetch("../images", { method: "POST", body: form });
    const answer = await response.json().catch(() => ({}));
    if (number !== asked) return;
    if (response.ok) show(answer, response.headers.has("Location"));
    else tell("", sentence(answer.detail ?? `the service answers ${response.status}`));
  } catch {
    if (number === asked) tell("", "The service does not answer: is it running, and is there a network?");
  }
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");

// A file that was dropped, pasted or chosen is asked about at once: it is whole.
function take(files) {
  const file = files[0];
  if (!file) return;
  if (!TYPES.includes(file.type)) return tell("", `${file.name} is no PNG, JPEG or WebP image.`);
  choose(file);
  ask();
}

at("ask").addEventListener("click", ask);
at("clear").addEventListener("click", clear);
at("file").addEventListener("change", (event) => take(event.target.files));
at("chosen").addEventListener("error", () => (at("chosen").hidden = true));
at("canvas").addEventListener("keydown", (event) => {
  if (event.key === "Enter") ask();
  if (event.key === "Escape") clear();
});
document.addEventListener("paste", (event) => take(event.clipboardData.files));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  at("stage").classList.add("over");
});
document.addEventListener("dragleave", () => at("stage").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  at("stage").classList.remove("over");
  take(event.dataTransfer.files);
});
clear();
