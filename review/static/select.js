// Choosing words of the conversation: with mouse or finger as anywhere, with arrow keys word by word.
// A place is a turn's number and how many characters (code points) are shown before it, as the server counts them.

const saids = () => [...document.querySelectorAll("[data-turns] .said")];
const points = (text) => [...text].length;
const turnOf = (said) => said.closest("[data-turn]").dataset;

function nodeAt(said, offset) {
  const walker = document.createTreeWalker(said, NodeFilter.SHOW_TEXT);
  let node = walker.nextNode();
  while (node && offset > node.length) {
    offset -= node.length;
    node = walker.nextNode();
  }
  return node ? [node, offset] : [said, 0];
}

function offsetOf(said, container, offset) {
  const range = document.createRange();
  range.selectNodeContents(said);
  range.setEnd(container, offset);
  return range.toString().length;
}

// Whether a place lies within a word, of a script that sets blanks between words.
const LETTER = /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Hebrew}\p{Script=Arabic}\p{N}'’]/u;
const isWithin = (text, at) => at > 0 && at < text.length && LETTER.test(text[at - 1]) && LETTER.test(text[at]);

// What is selected within the conversation, in whole words; null for nothing.
export function selected() {
  const selection = window.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  const parts = saids().filter((said) => range.intersectsNode(said)).map((said) => {
    const text = said.textContent;
    const has = (node) => said.contains(node);
    let start = has(range.startContainer) ? offsetOf(said, range.startContainer, range.startOffset) : 0;
    let end = has(range.endContainer) ? offsetOf(said, range.endContainer, range.endOffset) : text.length;
    while (start < end && /\s/.test(text[start])) start += 1;
    while (end > start && /\s/.test(text[end - 1])) end -= 1;
    while (start < end && isWithin(text, start)) start -= 1;
    while (start < end && isWithin(text, end)) end += 1;
    return { said, start, end, text: text.slice(start, end) };
  }).filter((part) => part.start < part.end);
  if (!parts.length) return null;
  const [first, last] = [parts[0], parts.at(-1)];
  const place = ({ said }, offset) => {
    const { turn, from } = turnOf(said);
    return `${turn}.${Number(from) + points(said.textContent.slice(0, offset))}`;
  };
  return { place: `${place(first, first.start)}-${place(last, last.end)}`, text: parts.map((part) => part.text).join(" … ") };
}

// All words that are shown, in their order.
function allWords() {
  return saids().flatMap((said) =>
    [...said.textContent.matchAll(/\S+/gu)].map((match) => ({ said, start: match.index, end: match.index + match[0].length })));
}

let list = [];
let anchor = 0;
let focus = 0;

function show() {
  const [a, b] = [list[anchor], list[focus]];
  const isForward = focus >= anchor;
  window.getSelection().setBaseAndExtent(
    ...nodeAt(a.said, isForward ? a.start : a.end), ...nodeAt(b.said, isForward ? b.end : b.start));
  nodeAt(b.said, b.start)[0].parentElement.scrollIntoView({ block: "nearest", behavior: "instant" });
}

// Begins with what is selected, else with the evidence, else with the first word.
export function begin() {
  list = allWords();
  if (!list.length) return false;
  const marks = [...document.querySelectorAll("[data-turns] mark")];
  if (!selected() && marks.length) {
    const range = document.createRange();
    range.setStartBefore(marks[0]);
    range.setEndAfter(marks.at(-1));
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
  }
  const range = selected() && window.getSelection().getRangeAt(0);
  const inside = range ? list.map((word, at) => (touches(range, word) ? at : -1)).filter((at) => at >= 0) : [];
  [anchor, focus] = inside.length ? [inside[0], inside.at(-1)] : [0, 0];
  show();
  return true;
}

function touches(range, word) {
  const own = document.createRange();
  own.setStart(...nodeAt(word.said, word.start));
  own.setEnd(...nodeAt(word.said, word.end));
  return range.compareBoundaryPoints(Range.END_TO_START, own) < 0 && range.compareBoundaryPoints(Range.START_TO_END, own) > 0;
}

const box = (word) => {
  const range = document.createRange();
  range.setStart(...nodeAt(word.said, word.start));
  range.setEnd(...nodeAt(word.said, word.end));
  return range.getClientRects()[0] ?? range.getBoundingClientRect();
};

// The word on the line above or below that lies nearest.
function onLine(from, step) {
  const start = box(list[from]);
  const x = (start.left + start.right) / 2;
  let best = from;
  let line = null;
  for (let at = from + step; at >= 0 && at < list.length; at += step) {
    const here = box(list[at]);
    if (Math.abs(here.top - start.top) < start.height / 2) continue;
    line ??= here.top;
    if (Math.abs(here.top - line) > start.height / 2) break;
    const distance = (word) => Math.abs((box(word).left + box(word).right) / 2 - x);
    if (best === from || distance(list[at]) < distance(list[best])) best = at;
  }
  return best;
}

const inTurn = (at) => list.map((word, i) => (word.said === list[at].said ? i : -1)).filter((i) => i >= 0);
const MOVES = {
  ArrowRight: (at) => Math.min(at + 1, list.length - 1),
  ArrowLeft: (at) => Math.max(at - 1, 0),
  ArrowDown: (at) => onLine(at, 1),
  ArrowUp: (at) => onLine(at, -1),
  Home: (at) => inTurn(at)[0],
  End: (at) => inTurn(at).at(-1),
};

// Moves by a key; with Shift the words in between are chosen as well. False for a key that moves nothing.
export function move(key, isExtending) {
  if (!(key in MOVES)) return false;
  if (!isExtending && anchor !== focus && (key === "ArrowLeft" || key === "ArrowRight")) {
    focus = key === "ArrowLeft" ? Math.min(anchor, focus) : Math.max(anchor, focus);
  } else {
    focus = MOVES[key](focus);
  }
  if (!isExtending) anchor = focus;
  show();
  return true;
}
