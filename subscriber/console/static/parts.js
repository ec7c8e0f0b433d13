// Tables, bars and lists. Whatever comes from rows is set as text, never as markup.
import { count, date, duration, figure, milliseconds, none, share, time, utc, value } from "./words.js";

export const by = (id) => document.getElementById(id);

export function text(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

export function make(tag, { words, className, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (words != null) element.textContent = words;
  if (className) element.className = className;
  for (const [name, given] of Object.entries(attributes)) element.setAttribute(name, given);
  element.append(...children);
  return element;
}

// as many children as there are items, each made once and filled anew
function fill(parent, items, create, update) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  items.forEach((item, i) => update(parent.children[i] ?? parent.appendChild(create()), item, i));
}

function row(classes) {
  return () => {
    const cells = classes.map((className, i) => make(i ? "td" : "th", { className }));
    cells[0].scope = "row";
    return make("tr", {}, ...cells);
  };
}

function bar() {
  const line = row(["", "bar", "n", "n"])();
  line.children[1].append(make("div", { "aria-hidden": "true" }));
  return line;
}

export function waits(list, waiting, troubles) {
  const items = [
    ...waiting.map((w) => ({ where: w.stage, ...w, after: w.retrying ? "now, retrying" : "now" })),
    ...troubles.map((t) => ({ where: t.task, ...t, after: "now; rows go on being predicted" })),
  ];
  fill(list, items, () => make("li", {}, make("b"), " ", make("span"), " ", make("span", { className: "faint" })), (item, { where, reason, seconds, after }) => {
    text(item.children[0], where);
    text(item.children[1], reason);
    text(item.children[2], `for ${duration(seconds)} ${after}`);
  });
}

export function partitions(body, lags) {
  const most = Math.max(1, ...lags.map(([, lag]) => lag ?? 0));
  const create = () => {
    const line = row(["", "bar", "n"])();
    line.children[1].append(make("div", { "aria-hidden": "true" }));
    return line;
  };
  fill(body, lags, create, (line, [partition, lag]) => {
    text(line.children[0], String(partition));
    line.children[1].firstChild.style.width = `${(100 * (lag ?? 0)) / most}%`;
    text(line.children[2], count(lag));
  });
}

export function causes(body, counts) {
  fill(body, Object.entries(counts), row(["", "n"]), (line, [cause, n]) => {
    text(line.children[0], cause);
    text(line.children[1], count(n));
  });
}

// letters keep their place and stay open while new ones come above them
export function letters(parent, newest) {
  const shown = new Map([...parent.children].map((child) => [child.dataset.id, child]));
  const wanted = newest.map((letter) => shown.get(letter.id) ?? made(letter));
  for (const child of [...parent.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, i) => {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  });
}

function made(letter) {
  const when = make("time", { words: time(letter.at), datetime: utc(letter.at), title: utc(letter.at) });
  const where = make("span", { className: "faint", words: `partition ${letter.partition}, offset ${letter.offset}` });
  return make(
    "details",
    { "data-id": letter.id },
    make("summary", {}, when, " ", make("b", { words: letter.cause }), " ", where),
    make("p", { words: letter.detail }),
    make("pre", { words: letter.value ?? "(no value)", tabindex: "0", "aria-label": "beginning of the message" }),
  );
}

export function answers(parent, outputs) {
  fill(parent, outputs, () => make("div", { className: "output" }), (place, output) => {
    if (place.dataset.kind !== `${output.name} ${output.kind}`) {
      place.dataset.kind = `${output.name} ${output.kind}`;
      place.replaceChildren(...(SKELETONS[output.kind] ?? SKELETONS.none)(output));
    }
    (FILLED[output.kind] ?? FILLED.none)(place, output);
  });
}

function headline() {
  return make("p", { className: "headline" }, make("b"), " ", make("span", { className: "faint" }));
}

const SKELETONS = {
  classes: ({ name }) => {
    const heads = [["", name], ["bar", ""], ["n", "rows"], ["n", "right"]];
    const cells = heads.map(([className, words]) => make("th", { className, scope: "col", words }));
    cells[1].append(make("span", { className: "unseen", words: "as a bar" }));
    const caption = make("caption", { className: "unseen", words: `Rows by ${name}` });
    return [headline(), make("table", { className: "classes" }, caption, make("thead", {}, make("tr", {}, ...cells)), make("tbody"))];
  },
  values: ({ name }) => [
    headline(),
    make("div", { className: "histogram", "aria-hidden": "true" }),
    make("p", { className: "edges", "aria-hidden": "true" }, make("span"), make("span", { words: name }), make("span")),
    make("p", { className: "faint summary" }),
  ],
  none: () => [make("p", { className: "empty" })],
};

const FILLED = {
  classes: (place, { classes, counted, others, known, right }) => {
    accuracy(place, known ? share(right, known) : none, known ? `right of ${count(known)} with known truth` : "");
    place.querySelector(".headline").hidden = !known;
    place.querySelector("table").classList.toggle("untold", !known);
    const most = Math.max(1, ...classes.map(([, n]) => n));
    fill(place.querySelector("tbody"), classes, bar, (line, [label, n, knownOfIt, rightOfIt]) => {
      text(line.children[0], label);
      line.children[1].firstChild.style.width = `${(100 * n) / most}%`;
      text(line.children[2], `${count(n)} (${share(n, counted)})`);
      text(line.children[3], share(rightOfIt, knownOfIt));
    });
    place.dataset.others = others;
  },
  values: (place, output) => {
    const known = output.known > 0;
    accuracy(place, figure(output.mean_absolute_error), `mean absolute error of ${count(output.known)} with known truth`);
    place.querySelector(".headline").hidden = !known;
    const most = Math.max(1, ...output.bins);
    fill(place.querySelector(".histogram"), output.bins, () => make("div"), (column, n) => {
      column.style.height = `${(100 * n) / most}%`;
    });
    const [low, , high] = place.querySelector(".edges").children;
    text(low, figure(output.low));
    text(high, figure(output.high));
    const { least, median, most: greatest, counted } = output;
    const spread = `median ${figure(median)}, from ${figure(least)} to ${figure(greatest)}`;
    text(place.querySelector(".summary"), `${spread}, of the last ${count(counted)} values`);
  },
  none: (place, { name, kind, length }) => {
    const said = { lists: `lists of ${count(length)} values`, texts: "texts" }[kind];
    text(place.firstChild, said ? `${name}: ${said}; they are not counted` : `${name}: no answer yet`);
  },
};

function accuracy(place, words, of) {
  text(place.querySelector(".headline b"), words);
  text(place.querySelector(".headline span"), of);
}

export function lastHead(head, about) {
  const truth = about.truth ? [["n", about.truth]] : [];
  const columns = [
    ["", "committed"],
    ["", about.key ?? "key"],
    ...about.features.map((name) => ["n", name]),
    ...about.outputs.map((name) => ["n answer", name]),
    ...truth,
    ["n", "latency"],
  ];
  head.replaceChildren(make("tr", {}, ...columns.map(([className, words]) => make("th", { className, words, scope: "col" }))));
}

export function last(body, rows, about) {
  const width = about.features.length + about.outputs.length + (about.truth ? 1 : 0) + 3;
  fill(body, rows, () => make("tr"), (line, shown) => {
    fill(line, Array(width).fill(), () => make("td"), () => {});
    const cells = line.children;
    text(cells[0], time(shown.at));
    cells[0].title = utc(shown.at);
    text(cells[1], value(shown.key));
    let i = 2;
    const put = (given, className) => {
      cells[i].className = className;
      text(cells[i++], value(given));
    };
    shown.features.forEach((given) => put(given, typeof given === "string" ? "words" : "n"));
    shown.outputs.forEach((given) => put(given, "n answer"));
    if (about.truth) {
      put(shown.truth, `n ${shown.right == null ? "" : shown.right ? "right" : "wrong"}`);
      const verdict = shown.right == null ? "" : shown.right ? " ✓" : " ✗";
      cells[i - 1].textContent += verdict;
    }
    cells[i].className = "n";
    text(cells[i], milliseconds(shown.ms));
  });
}

export function started(element, seconds) {
  text(element, date(seconds));
  element.dateTime = element.title = utc(seconds);
}
