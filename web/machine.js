// What the page says of the machine: state and speed, the boot, the log. Asks only while somebody looks.
import { element } from "./markdown.js";
import { json, request } from "./server.js";

const find = (id) => document.getElementById(id);
const PERIOD = 2000; // milliseconds between two questions

const STATES = {
  ready: "ready",
  loading: "loading",
  stuck: "does not answer",
  failed: "the model could not be loaded",
  away: "no connection, trying again",
};

let last = null; // the status before, to tell the server's speed
let lastLine = 0;
let view = "chat";
let timer = 0;

function duration(seconds) {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [[size, unit], second] = [parts[first], parts[first + 1]];
  const text = `${Math.floor(seconds / size)} ${unit}`;
  const rest = second ? Math.floor((seconds % size) / second[0]) : 0;
  return rest ? `${text} ${rest} ${second[1]}` : text;
}

function bytes(size) {
  return size >= 1e9 ? `${(size / 1e9).toFixed(1)} GB` : `${Math.round(size / 1e6)} MB`;
}

function count(number) {
  if (number >= 1e9) return `${(number / 1e9).toFixed(1)} B`;
  return number >= 1e6 ? `${Math.round(number / 1e6)} M` : number.toLocaleString("en");
}

function showState(state, text) {
  find("state").dataset.state = state;
  if (find("state-text").textContent !== text) find("state-text").textContent = text; // read out only when it changes
}

function showFacts(status) {
  const { information, tokens, context, requests } = status;
  const facts = [
    ["Model", status.model],
    ["Version", status.version],
    ["Restarts", String(status.restarts)],
    ["At once", `${requests.parallel} requests`],
    ["Read", `${count(tokens.prompt)} tokens`],
    ["of them known already", `${count(tokens.cached)} tokens`],
    ["Written", `${count(tokens.completion)} tokens`],
    ["Context in use", `${count(context.held)} of ${count(context.room)} tokens`],
  ];
  if (information) {
    facts.push(["Parameters", count(information.parameters)], ["Weights", bytes(information.weights)]);
    facts.push(["Context of a request", `${count(information.context)} tokens`], ["Threads", String(information.threads)]);
  }
  find("facts").replaceChildren(
    ...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}

function showStatus(status) {
  const loaded = status.state === "loading" ? ` ${Math.round(status.progress * 100)} %` : "";
  showState(status.state, `${status.model} · ${STATES[status.state]}${loaded}`);
  find("welcome-model").textContent = status.model;
  find("running").textContent = status.requests.running;
  find("waiting").textContent = status.requests.waiting;
  find("uptime").textContent = duration(status.uptime);
  const now = performance.now();
  if (last && last.status.uptime <= status.uptime && status.tokens.completion > 0) {
    const rate = ((status.tokens.completion - last.status.tokens.completion) / (now - last.at)) * 1000;
    find("server-rate").textContent = `${rate.toFixed(rate >= 10 ? 0 : 1)} tokens/s`;
  }
  last = { status, at: now };
  showFacts(status);
}

async function showBoot() {
  const [picture, trace] = await Promise.all([request("timeline?format=svg"), request("timeline")]);
  if (!picture.ok || !trace.ok) {
    find("boot-lead").textContent = "This process records no timeline.";
    return;
  }
  const image = find("timeline");
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(await picture.blob());
  const spans = (await trace.json()).traceEvents.filter((span) => span.ts !== undefined);
  const first = spans.find((span) => span.name === "first token");
  const words = first ? `The first token came after ${Math.round(first.ts / 1000)} ms. ` : "";
  image.alt = `${words}Timeline of the boot, described below.`;
  find("boot-lead").textContent = `${words}Each bar is a span of the boot, on one clock across all processes.`;
  find("timeline-text").textContent = spans
    .map((span) => `${span.name}: from ${Math.round(span.ts / 1000)} ms, ${((span.dur ?? 0) / 1000).toFixed(1)} ms long`)
    .join("; ");
}

async function saveTrace() {
  const response = await request("timeline");
  const address = URL.createObjectURL(await response.blob());
  element("a", { href: address, download: "boot.json" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function lineOf({ number, time, level, text }) {
  const at = new Date(time);
  const line = element(
    "p",
    {},
    element("time", { dateTime: at.toISOString() }, at.toLocaleTimeString("en-GB")),
    element("span", { className: "level" }, level),
    element("span", { className: "text" }, text),
  );
  line.dataset.level = level;
  line.dataset.number = number;
  return line;
}

async function showLog() {
  const { lines } = await json(`logs?after=${lastLine}`);
  if (lines.length === 0) return;
  const box = find("lines");
  const follows = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  if (lines[0].number <= lastLine) box.replaceChildren(); // another process
  box.append(...lines.map(lineOf));
  while (box.childElementCount > 1000) box.firstElementChild.remove();
  lastLine = lines.at(-1).number;
  if (follows) box.scrollTop = box.scrollHeight;
}

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    showStatus(await json("status"));
    if (view === "log") await showLog();
  } catch {
    showState("away", STATES.away);
  }
  clearTimeout(timer);
  timer = setTimeout(look, PERIOD);
}

export function show(name) {
  view = name;
  if (name === "boot") showBoot().catch(() => showState("away", STATES.away));
  look();
}

export function start() {
  find("save-trace").addEventListener("click", saveTrace);
  document.addEventListener("visibilitychange", look);
  look();
}
