// Keys: an element with data-key="c" is pressed by that key, unless somebody is typing. An open dialog has its own keys.
document.documentElement.classList.add("scripted"); // Hides what only matters without scripts: .plain.

const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit])";

let isBusy = false; // A verdict is on its way: what is pressed meanwhile would fall on a moment that nobody has read.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target.id === "main") isBusy = true;
});
for (const name of ["htmx:afterSettle", "htmx:responseError", "htmx:sendError", "htmx:swapError"]) {
  document.addEventListener(name, () => { isBusy = false; });
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target instanceof Element && event.target.closest(TYPING)?.checkVisibility()) return;
  const scope = document.querySelector("dialog:modal") ?? document.getElementById("main");
  const pressed = [...scope.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)].find(
    (element) => element.checkVisibility() && !element.disabled && element.closest("dialog") === scope.closest("dialog"),
  );
  if (!pressed) return;
  event.preventDefault();
  if (!isBusy && !event.repeat) pressed.click();
});
