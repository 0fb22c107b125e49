// What every page shares. Everything works without it; with it, pages answer faster.
"use strict";

// Answers with an error are shown as well: they say what is wrong and what to do.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400) event.detail.shouldSwap = true;
});

// Forms that ask before they do something: <form data-confirm="Really?">.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Filters apply as soon as they are changed: <form data-auto>.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form) form.requestSubmit();
});
