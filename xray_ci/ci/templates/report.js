"use strict";
const data = document.getElementById("data");
const [OUTCOME, NAME, SUITE, REPORT, LINE, SECONDS, KEY, NEEDS, ATTEMPTS, MESSAGE, TRACE, STEPS, FILES] = Array(13).keys();
const ORDER = { failed: 0, errors: 1, other: 2, skipped: 3, passed: 4 };
const PIECE = 200;
const rows = JSON.parse(data.textContent);
const base = data.dataset.base;
const words = rows.map((row) => [row[NAME], row[SUITE], row[REPORT], row[KEY], row[MESSAGE], ...row[NEEDS]].join("\n").toLowerCase());
const query = document.getElementById("query");
const group = document.getElementById("group");
const list = document.getElementById("list");
const more = document.getElementById("more");
const buttons = [...document.querySelectorAll("#outcomes button")];
const bad = buttons.map((button) => button.dataset.outcome).filter((name) => ORDER[name] < 2);
const changes = [...document.querySelectorAll("#changes li")].map((node) => [node, node.textContent.toLowerCase()]);
const hidden = new Set();
let found = [];
let shown = 0;
let last = null;

function made(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (name) node.className = name;
  return node;
}
function groupOf(row) {
  if (group.value === "suite") return row[SUITE] || "(no suite)";
  if (group.value === "report") return row[REPORT];
  if (group.value === "requirement") return row[NEEDS][0] || "(no requirement)";
  return "";
}
function time(seconds) {
  if (seconds === null) return "";
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}
function item(row) {
  const node = made("li");
  const deep = row[MESSAGE] || row[TRACE] || row[STEPS].length || row[FILES].length;
  const head = made(deep ? "summary" : "div");
  head.append(made("span", row[OUTCOME], `sign ${row[OUTCOME]}`), " ");
  if (row[KEY]) {
    const key = base ? made("a", row[KEY]) : made("span", row[KEY]);
    if (base) { key.href = base + row[KEY]; key.rel = "noopener noreferrer"; }
    head.append(key, " ");
  }
  head.append(made("span", row[NAME]));
  if (row[ATTEMPTS]) head.append(" ", made("span", `after ${row[ATTEMPTS] + 1} attempts`, "place"));
  head.append(made("span", time(row[SECONDS]), "seconds"));
  const place = made("div", `${row[SUITE] ? row[SUITE] + " · " : ""}${row[REPORT]}${row[LINE] ? ":" + row[LINE] : ""}`, "place");
  if (!deep) { node.append(head, place); return node; }
  const details = made("details");
  details.append(head, place);
  details.addEventListener("toggle", () => {
    if (!details.open || details.dataset.full) return;
    details.dataset.full = "1";
    if (row[MESSAGE]) details.append(made("pre", row[MESSAGE]));
    if (row[STEPS].length) {
      const steps = made("ol");
      for (const [action, outcome, comment] of row[STEPS]) {
        const step = made("li", action);
        if (outcome) step.prepend(made("span", outcome, `sign ${outcome}`), " ");
        if (comment) step.append(made("div", comment, "place"));
        steps.append(step);
      }
      details.append(steps);
    }
    if (row[TRACE] && row[TRACE] !== row[MESSAGE]) details.append(made("pre", row[TRACE]));
    if (row[FILES].length) details.append(made("div", `Evidence: ${row[FILES].join(", ")}`, "place"));
  });
  node.append(details);
  if (ORDER[row[OUTCOME]] < 2 && shown < 20) details.open = true;
  return node;
}
function extend() {
  const part = document.createDocumentFragment();
  for (const index of found.slice(shown, shown + PIECE)) {
    const row = rows[index];
    const name = groupOf(row);
    if (name !== last && name) {
      const head = made("li", undefined, "head");
      head.append(made("h3", name));
      part.append(head);
    }
    last = name;
    part.append(item(row));
    shown += 1;
  }
  list.append(part);
  more.hidden = shown >= found.length;
}
function compare(wanted) {
  let left = 0;
  for (const [node, text] of changes) {
    const outcome = node.dataset.outcome;
    // An error is a failure there: either button shows it.
    const gone = outcome === "failed" ? bad.length > 0 && bad.every((name) => hidden.has(name)) : hidden.has(outcome);
    node.hidden = gone || !text.includes(wanted);
    left += node.hidden ? 0 : 1;
  }
  if (changes.length) {
    const told = left < changes.length ? `${left.toLocaleString("en")} of ${changes.length.toLocaleString("en")} of these match search and outcomes` : "";
    document.getElementById("compared-shown").textContent = told;
  }
}
function refresh() {
  const wanted = query.value.trim().toLowerCase();
  found = [];
  for (let index = 0; index < rows.length; index += 1) {
    if (!hidden.has(rows[index][OUTCOME]) && (!wanted || words[index].includes(wanted))) found.push(index);
  }
  const by = group.value;
  found.sort((a, b) => {
    if (by === "slow") return (rows[b][SECONDS] ?? -1) - (rows[a][SECONDS] ?? -1) || a - b;
    const left = groupOf(rows[a]);
    const right = groupOf(rows[b]);
    if (left !== right) return left < right ? -1 : 1;
    return ORDER[rows[a][OUTCOME]] - ORDER[rows[b][OUTCOME]] || a - b;
  });
  compare(wanted);
  list.replaceChildren();
  shown = 0;
  last = null;
  document.getElementById("shown").textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} tests`;
  extend();
}
for (const button of buttons) {
  button.addEventListener("click", () => {
    const name = button.dataset.outcome;
    if (hidden.has(name)) hidden.delete(name); else hidden.add(name);
    button.setAttribute("aria-pressed", String(!hidden.has(name)));
    refresh();
  });
}
query.addEventListener("input", refresh);
group.addEventListener("change", refresh);
more.addEventListener("click", extend);
refresh();
