"use strict";
/* Keyboard shortcuts and focus. All pages also work without this file. */
(() => {
  const OFF = "takeback-desk-keys-off";
  let isBusy = false;
  let lastRow = "";

  const isTextField = (node) => node.closest("input:not([type=checkbox]), textarea, select") !== null;
  const elementFor = (key) => document.querySelector(`#main [data-key="${CSS.escape(key)}"]`);

  /* Forms that the server accepts for some seconds only, such as Undo. */
  const hideExpired = () => {
    for (const form of document.querySelectorAll("[data-expires]")) {
      setTimeout(() => { form.hidden = true; }, Number(form.dataset.expires) * 1000);
    }
  };

  /* Focuses the opened row when the agent returns to the queue, else the first [data-focus]. */
  const restoreFocus = () => {
    isBusy = false;
    const row = lastRow && document.getElementById(lastRow);
    const target = row || document.querySelector("#main [data-focus]");
    if (target) target.focus();
    if (row) lastRow = "";
    hideExpired();
    const box = document.querySelector("[data-keys-on]");
    if (box) box.checked = localStorage.getItem(OFF) === null;
  };

  const moveRow = (step) => {
    const rows = [...document.querySelectorAll("#main [data-row]")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    if (next) next.focus();
    return rows.length > 0;
  };

  /* A button with data-needs first focuses that field while it is empty. */
  const activate = (node) => {
    const field = node.dataset.needs && document.getElementById(node.dataset.needs);
    if (field && !field.value.trim()) field.focus();
    else if (node.matches("textarea, input")) node.focus();
    else node.click();
  };

  /* The list of shortcuts opens over the page, where the agent looks. */
  const toggleHelp = () => {
    const keys = document.querySelector("[data-keys]");
    if (!keys) return;
    keys.open = !keys.open;
    keys.querySelector("summary").focus({ preventScroll: true });
  };

  /* Latin letters by their value, so that every Latin layout works; on other layouts, such as
     Arabic, Greek or Cyrillic, by the place of the key. Caps Lock changes neither. */
  const keyOf = (event) => {
    if (event.key === "?" || (event.shiftKey && event.code === "Slash")) return "?";
    if (event.shiftKey) return "";
    if (/^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
    const place = /^Key([A-Z])$/.exec(event.code);
    return place ? place[1].toLowerCase() : event.key;
  };

  const handleKey = (key) => {
    if (key === "?") return toggleHelp() ?? true;
    if (key === "j" || key === "ArrowDown") return moveRow(1);
    if (key === "k" || key === "ArrowUp") return moveRow(-1);
    const element = key && elementFor(key);
    if (element) activate(element);
    return Boolean(element);
  };

  /* Ctrl+Enter in a text field presses its own button, which decides nothing. */
  const submitField = (event) => {
    const button = event.target.dataset.submit && document.getElementById(event.target.dataset.submit);
    if (!button || isBusy || event.repeat) return;
    event.preventDefault();
    button.click();
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      submitField(event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const keys = document.querySelector("[data-keys][open]");
      if (keys) keys.open = false;
      if (keys || isTextField(event.target)) document.getElementById("main").focus();
      return;
    }
    if (isTextField(event.target) || localStorage.getItem(OFF) !== null) return;
    /* Held keys, and keys pressed during a request, decide nothing. */
    const key = keyOf(event);
    if (isBusy || (event.repeat && !["j", "k", "ArrowDown", "ArrowUp"].includes(key))) return;
    if (handleKey(key)) event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-keys-on]")) return;
    if (event.target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });

  document.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) lastRow = row.id;
  });

  document.addEventListener("htmx:beforeRequest", () => { isBusy = true; });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) isBusy = false;
  });
  document.addEventListener("htmx:afterSettle", restoreFocus);
  restoreFocus();
})();
