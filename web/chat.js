// The conversation: asks, shows the answer as it comes, stops, asks again. Kept for this tab only.
import { element, render } from "./markdown.js";
import { events, faultOf, request } from "./server.js";

const CONVERSATION = "vector_boot.conversation";
const SETTINGS = "vector_boot.settings";
const find = (id) => document.getElementById(id);

const question = find("question");
const conversation = find("conversation");
const settingsForm = find("settings-form");

let messages = JSON.parse(sessionStorage.getItem(CONVERSATION) ?? "[]"); // {role, content, figures?, fault?}
let answering = null; // the AbortController of the answer that is coming

function save() {
  sessionStorage.setItem(CONVERSATION, JSON.stringify(messages));
}

// Numbers that are empty are the server's to choose.
function sampling() {
  const settings = {};
  for (const input of settingsForm.querySelectorAll("input")) {
    if (input.value !== "" && input.validity.valid) settings[input.name] = Number(input.value);
  }
  return settings;
}

function requestBody() {
  const system = find("system").value.trim();
  const spoken = messages.filter((message) => !message.fault && message.content !== "");
  return {
    messages: [...(system ? [{ role: "system", content: system }] : []), ...spoken.map(({ role, content }) => ({ role, content }))],
    stream: true,
    stream_options: { include_usage: true },
    ...sampling(),
  };
}

function action(text, act) {
  return element("button", { type: "button", className: "quiet", textContent: text, onclick: act });
}

export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

function showFigures(message) {
  const { figures } = message;
  if (!figures) return "";
  const parts = [`${figures.tokens} ${figures.tokens === 1 ? "token" : "tokens"}`];
  if (figures.rate) parts.push(`${figures.rate.toFixed(1)} per second`);
  parts.push(`first after ${Math.round(figures.first)} ms`);
  if (figures.stopped) parts.push("stopped");
  return parts.join(" · ");
}

function actionsOf(message, index) {
  const actions = element("div", { className: "actions" });
  if (message.role === "user") actions.append(action("Edit", () => edit(index)));
  else {
    const copied = action("Copy", () => copy(message.content, copied));
    if (message.content) actions.append(copied);
    if (index === messages.length - 1) actions.append(action(message.fault ? "Try again" : "Regenerate", regenerate));
    actions.append(element("span", { className: "figures", textContent: showFigures(message) }));
  }
  return actions;
}

function show(message, index) {
  const isBusy = answering !== null && index === messages.length - 1;
  const body = element("div", { className: "body" });
  if (message.fault && !message.content) body.append(message.fault);
  else if (message.role === "user") body.append(message.content);
  else body.append(...render(message.content), ...(message.fault ? [element("p", { textContent: message.fault })] : []));
  const name = `message ${message.role}${message.fault ? " error" : ""}${isBusy ? " busy" : ""}`;
  const article = element("article", { className: name, ariaLabel: message.role === "user" ? "You" : "Model" }, body);
  if (!isBusy) article.append(actionsOf(message, index));
  return article;
}

function showAll() {
  find("welcome").hidden = messages.length > 0;
  find("clear").hidden = messages.length === 0;
  for (const old of conversation.querySelectorAll(".message")) old.remove();
  conversation.append(...messages.map(show));
  conversation.scrollTop = conversation.scrollHeight;
}

// The last message anew; the view follows only who is at its end.
function showLast() {
  const follows = conversation.scrollHeight - conversation.scrollTop - conversation.clientHeight < 60;
  conversation.lastElementChild.replaceWith(show(messages.at(-1), messages.length - 1));
  if (follows) conversation.scrollTop = conversation.scrollHeight;
}

function setBusy(controller) {
  answering = controller;
  find("send").hidden = controller !== null;
  find("stop").hidden = controller === null;
  conversation.ariaBusy = String(controller !== null);
}

async function receive(message, signal) {
  const asked = performance.now();
  const response = await request("v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(requestBody()),
    signal,
  });
  if (!response.ok) throw new Error(await faultOf(response));
  let began = 0;
  let isDrawn = true;
  for await (const event of events(response)) {
    const figures = (message.figures ??= { tokens: 0, first: 0 });
    const now = performance.now();
    const piece = event.choices[0]?.delta.content;
    if (piece) {
      if (figures.tokens === 0) [figures.first, began] = [now - asked, now];
      else figures.rate = (figures.tokens / (now - began)) * 1000;
      figures.tokens += 1; // a piece is nearly always a token: the usage at the end says it exactly
      message.content += piece;
      find("own-rate").textContent = figures.rate ? `${figures.rate.toFixed(1)} tokens/s` : "–";
      if (isDrawn) {
        isDrawn = false;
        requestAnimationFrame(() => {
          isDrawn = true;
          if (answering?.signal === signal) showLast();
        });
      }
    }
    if (event.usage) figures.tokens = event.usage.completion_tokens;
  }
}

async function answer() {
  const controller = new AbortController();
  const message = { role: "assistant", content: "" };
  messages.push(message);
  setBusy(controller);
  showAll();
  find("announcement").textContent = "The model answers.";
  try {
    await receive(message, controller.signal);
    find("announcement").textContent = message.content;
  } catch (error) {
    if (controller.signal.aborted) {
      message.figures = { ...(message.figures ?? { tokens: 0, first: 0 }), stopped: true };
      find("announcement").textContent = "Stopped.";
    } else {
      message.fault = error instanceof TypeError ? "The server cannot be reached." : error.message;
      find("announcement").textContent = message.fault;
    }
  }
  if (answering !== controller) return; // a new conversation has begun meanwhile
  setBusy(null);
  showLast();
  save();
}

export function ask(text) {
  if (answering || text.trim() === "") return;
  messages.push({ role: "user", content: text.trim() });
  save();
  answer();
}

export function stop() {
  answering?.abort();
}

export function isAnswering() {
  return answering !== null;
}

function regenerate() {
  if (answering) return;
  messages.pop();
  answer();
  question.focus();
}

function edit(index) {
  stop();
  setBusy(null);
  question.value = messages[index].content;
  messages = messages.slice(0, index);
  save();
  showAll();
  fit();
  question.focus();
}

function begin() {
  stop();
  setBusy(null);
  messages = [];
  save();
  showAll();
  question.focus();
}

// The field is as tall as its text.
function fit() {
  question.style.height = "auto";
  question.style.height = `${question.scrollHeight}px`;
  find("send").disabled = question.value.trim() === "";
}

function send() {
  if (answering) return;
  const text = question.value;
  question.value = "";
  fit();
  ask(text);
}

function showSettings() {
  for (const output of settingsForm.querySelectorAll("output")) output.textContent = find(output.htmlFor.value).value;
}

function openSettings(open) {
  find("settings").hidden = !open;
  find("open-settings").ariaExpanded = String(open);
  (open ? find("system") : find("open-settings")).focus();
}

function restoreSettings() {
  const kept = JSON.parse(sessionStorage.getItem(SETTINGS) ?? "{}");
  for (const [name, value] of Object.entries(kept)) settingsForm.elements.namedItem(name).value = value;
  showSettings();
}

function keepSettings() {
  showSettings();
  sessionStorage.setItem(SETTINGS, JSON.stringify(Object.fromEntries(new FormData(settingsForm))));
}

export function start() {
  find("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  question.addEventListener("input", fit);
  question.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    if (answering) stop();
    else if (!find("settings").hidden) openSettings(false);
  });
  conversation.addEventListener("click", ({ target }) => {
    if (target.classList.contains("starter")) ask(target.textContent);
    if (target.dataset.copy !== undefined) copy(target.dataset.copy, target);
    question.focus({ preventScroll: true, focusVisible: false });
  });
  find("stop").addEventListener("click", () => {
    stop();
    question.focus();
  });
  find("clear").addEventListener("click", begin);
  find("open-settings").addEventListener("click", () => openSettings(find("settings").hidden));
  find("close-settings").addEventListener("click", () => openSettings(false));
  settingsForm.addEventListener("submit", (event) => event.preventDefault());
  settingsForm.addEventListener("input", keepSettings);
  settingsForm.addEventListener("reset", () => setTimeout(keepSettings)); // after the fields have changed
  restoreSettings();
  showAll();
  fit();
  question.focus();
}
