// The little Markdown that models write, as elements. Text only ever becomes text nodes, never HTML.

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Code, bold and italic; the rest as it is.
function inline(text) {
  const pattern = /`([^`\n]+)`|\*\*(?=\S)([^]+?\S)\*\*|(?<![\w*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?![\w*])/g;
  const parts = [];
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(text.slice(last, match.index));
    const [whole, code, bold, italic] = match;
    if (code !== undefined) parts.push(element("code", {}, code));
    else if (bold !== undefined) parts.push(element("strong", {}, ...inline(bold)));
    else parts.push(element("em", {}, ...inline(italic)));
    last = match.index + whole.length;
  }
  parts.push(text.slice(last));
  return parts.filter((part) => part !== "");
}

function codeBlock(language, lines) {
  const text = lines.join("\n");
  const copy = element("button", { type: "button", className: "quiet", textContent: "Copy" });
  copy.dataset.copy = text;
  const head = element("div", { className: "head" }, element("span", {}, language || "text"), copy);
  return element("div", { className: "code" }, head, element("pre", { tabIndex: 0 }, element("code", {}, text)));
}

const FENCE = /^\s*(```|~~~)\s*([\w+#.-]*)/;
const HEADING = /^(#{1,6})\s+(.*)/;
const BULLET = /^\s*[-*+]\s+(.*)/;
const NUMBER = /^\s*(\d{1,9})[.)]\s+(.*)/;
const QUOTE = /^\s*>\s?(.*)/;
const startsBlock = (line) => [FENCE, HEADING, BULLET, NUMBER, QUOTE].some((pattern) => pattern.test(line));

// From lines[at] on, as long as they match: the texts that the pattern's last group found, with lines that go on.
function takeItems(lines, at, pattern) {
  const items = [];
  while (at < lines.length) {
    const match = pattern.exec(lines[at]);
    if (match) items.push(match.at(-1));
    else if (/^\s+\S/.test(lines[at]) && !startsBlock(lines[at])) items.push(`${items.pop()}\n${lines[at].trim()}`);
    else if (lines[at].trim() === "" && at + 1 < lines.length && pattern.test(lines[at + 1])) { /* a loose list */ }
    else break;
    at += 1;
  }
  return { items, at };
}

function list(name, { items, at }, first) {
  const made = element(name, {}, ...items.map((item) => element("li", {}, ...inline(item))));
  if (first > 1) made.start = first;
  return { node: made, at };
}

function takeBlock(lines, at) {
  const line = lines[at];
  if (FENCE.test(line)) {
    const [, mark, language] = FENCE.exec(line);
    const end = lines.findIndex((other, index) => index > at && other.trim().startsWith(mark));
    const last = end < 0 ? lines.length : end; // a block that is still being written has no end
    return { node: codeBlock(language, lines.slice(at + 1, last)), at: last + 1 };
  }
  const heading = HEADING.exec(line);
  if (heading) return { node: element(`h${Math.min(heading[1].length + 2, 5)}`, {}, ...inline(heading[2])), at: at + 1 };
  if (BULLET.test(line)) return list("ul", takeItems(lines, at, BULLET));
  const number = NUMBER.exec(line);
  if (number) return list("ol", takeItems(lines, at, NUMBER), Number(number[1]));
  if (QUOTE.test(line)) {
    const { items, at: end } = takeItems(lines, at, QUOTE);
    return { node: element("blockquote", {}, ...inline(items.join("\n"))), at: end };
  }
  let end = at + 1;
  while (end < lines.length && lines[end].trim() !== "" && !startsBlock(lines[end])) end += 1;
  return { node: element("p", {}, ...inline(lines.slice(at, end).join("\n"))), at: end };
}

export function render(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const nodes = [];
  for (let at = 0; at < lines.length; ) {
    if (lines[at].trim() === "") at += 1;
    else {
      const block = takeBlock(lines, at);
      nodes.push(block.node);
      at = block.at;
    }
  }
  return nodes;
}
