// One moment: tools in dialogs, words chosen in the conversation, and the next moment in place of a judged one.
import "./keys.js";
import * as words from "./select.js";

const main = () => document.getElementById("main");
const say = (text) => {
  const place = document.getElementById("say");
  place.textContent = "";
  window.clearTimeout(say.timer);
  window.requestAnimationFrame(() => { place.textContent = text; });
  say.timer = window.setTimeout(() => { place.textContent = ""; }, 6000);
};
const dialogOf = (tool) => document.getElementById(`tool-${tool}`);
const CHOOSING = {
  words: "Choose the words of the evidence",
  split: "Choose the words of the second moment",
  missed: "Choose the words of the missed moment",
};

let purpose = null; // What words are being chosen for: a key of CHOOSING.

function bar() { return document.querySelector("[data-selecting]"); }

function showChosen() {
  const found = words.selected();
  const place = bar();
  if (!place) return;
  place.hidden = !(purpose || found);
  place.querySelector("[data-selecting-title]").textContent = CHOOSING[purpose] ?? "Words selected";
  const text = found ? `“${found.text}”` : "Drag over them, or use arrow keys with Shift.";
  place.querySelector("[data-selecting-words]").textContent = text.length > 160 ? `${text.slice(0, 80)} … ${text.slice(-70)}` : text;
  place.querySelector("[data-selecting-set]").firstChild.textContent = purpose ? "Set " : "Use as evidence ";
}

function choose(tool) {
  if (!words.begin()) return;
  purpose = tool;
  main().classList.add("is-selecting");
  showChosen();
  say(`${CHOOSING[tool]}: arrow keys move by a word, with Shift they choose more, Enter sets, Escape cancels.`);
}

function stop() {
  purpose = null;
  main().classList.remove("is-selecting");
  window.getSelection().removeAllRanges();
  showChosen();
}

function set(tool) {
  const found = words.selected();
  if (!found) return say("No words are chosen.");
  stop();
  const dialog = dialogOf(tool);
  dialog.querySelector("[data-selection]").value = found.place;
  if (tool === "words") return dialog.querySelector("form").requestSubmit();
  dialog.querySelector("[data-by-hand]").hidden = true;
  const chosen = dialog.querySelector("[data-chosen]");
  chosen.hidden = false;
  chosen.textContent = found.text;
  return open(tool);
}

function open(tool) {
  const dialog = dialogOf(tool);
  if (!dialog) return;
  if (dialog.open) dialog.close();
  dialog.showModal();
  dialog.querySelector("[data-first]")?.focus();
  const chosen = dialog.querySelector(".options:not([hidden]) :checked");
  chosen?.closest(".option").scrollIntoView({ block: "nearest", behavior: "instant" });
}

// In the capturing phase, so that a link that opens a dialog is not followed as well.
document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const opener = target?.closest("[data-tool]");
  const closer = target?.closest("[data-close]");
  if (opener && dialogOf(opener.dataset.tool)) {
    const tool = opener.dataset.tool;
    if (!(tool in CHOOSING)) open(tool);
    else if (words.selected() && tool !== "words") set(tool);
    else choose(tool);
  } else if (closer && closer.closest("dialog:modal")) {
    closer.closest("dialog").close();
  } else if (target?.closest("[data-selecting-set]")) {
    set(purpose ?? "words");
  } else if (target?.closest("[data-selecting-missed]")) {
    set("missed");
  } else if (target?.closest("[data-selecting-stop]")) {
    stop();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog")) return;
  const isChosen = !purpose && event.key === "Escape" && words.selected();
  if (!purpose && !isChosen) return;
  if (event.target.closest?.("button, a") && event.key === "Enter") return;
  if (event.key === "Enter") set(purpose);
  else if (event.key === "Escape") stop();
  else if (!words.move(event.key, event.shiftKey) && event.key.length > 1) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

let waiting = 0;
document.addEventListener("selectionchange", () => {
  window.clearTimeout(waiting);
  waiting = window.setTimeout(showChosen, 60);
});
document.addEventListener("mousedown", (event) => { // A click on a button keeps what is selected.
  if (event.target instanceof Element && event.target.closest("[data-selecting], .actions")) event.preventDefault();
});

// Lists: letters narrow them, the arrow down goes into them, Enter takes what is chosen: after letters, the first that is left.
const optionsOf = (field) => [...field.closest("[data-picker]").querySelectorAll(".option")];
const shown = (field) => optionsOf(field).filter((option) => !option.hidden);

document.addEventListener("input", (event) => {
  const field = event.target.closest?.("[data-find]");
  if (!field) return;
  const letters = field.value.trim().toLowerCase().split(/\s+/);
  for (const option of optionsOf(field)) {
    const text = option.textContent.toLowerCase();
    option.hidden = !letters.every((part) => text.includes(part));
  }
  for (const group of field.closest("[data-picker]").querySelectorAll("fieldset")) {
    group.hidden = ![...group.querySelectorAll(".option")].some((option) => !option.hidden);
  }
  const first = shown(field)[0];
  if (first && field.value) first.querySelector("input").checked = true;
  field.closest("[data-picker]").querySelector("[data-nothing]").hidden = Boolean(first);
});

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("[data-picker] input[type=search]");
  if (!field || !["ArrowDown", "Enter"].includes(event.key) || event.isComposing) return;
  const options = shown(field).map((option) => option.querySelector("input"));
  const chosen = options.find((option) => option.checked);
  event.preventDefault();
  if (event.key === "Enter") return chosen ? field.form.requestSubmit() : say("Nothing is chosen yet.");
  const first = chosen ?? options[0];
  if (!first) return;
  first.checked = true;
  first.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.(".option input")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches?.("textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (!event.detail.target.matches("[data-options]")) return;
  const first = event.detail.target.querySelector("input");
  if (first && !event.detail.target.querySelector(":checked")) first.checked = true;
});

// Where the window ends for a reader: above the bar with the buttons, where that lies at the bottom.
function bottom() {
  const actions = document.querySelector(".actions").getBoundingClientRect();
  return actions.bottom >= window.innerHeight - 1 && actions.top > window.innerHeight / 2 ? actions.top : window.innerHeight;
}

function arrive(isFirst) {
  purpose = null;
  const judging = document.querySelector("[data-moment]");
  if (!judging) return;
  const opened = document.querySelector("dialog.tool[open]:not(:modal)");
  const mark = document.querySelector("[data-turns] mark");
  const turn = /^#turn-\d+$/.test(window.location.hash) && document.querySelector(window.location.hash);
  if (turn) turn.focus({ preventScroll: true });
  else if (!isFirst) document.getElementById("question").focus({ preventScroll: true });
  if (mark && !turn && mark.getBoundingClientRect().bottom > bottom()) {
    const isLong = mark.getBoundingClientRect().height > window.innerHeight / 3;
    mark.scrollIntoView({ block: isLong ? "start" : "center", behavior: "instant" });
  }
  if (opened) open(opened.id.slice("tool-".length));
  if (judging.dataset.say) say(judging.dataset.say);
}

document.addEventListener("htmx:sendError", () => {
  const told = document.querySelector("[data-unreached]");
  told.hidden = false;
  say(told.textContent);
});
document.addEventListener("htmx:historyRestore", () => arrive(true));
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "main" || event.detail.target?.id === "main") arrive(false);
});
arrive(true);
