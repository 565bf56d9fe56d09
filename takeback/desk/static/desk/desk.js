"use strict";
/* Keyboard shortcuts and focus. All pages also work without this file. */
(() => {
  const OFF = "takeback-desk-keys-off";
  let isBusy = false;
  let lastRow = "";

  const isTextField = (node) => node.closest("input:not([type=checkbox]), textarea, select") !== null;
  const elementFor = (key) => document.querySelector(`#main [data-key="${CSS.escape(key)}"]`);

  /* Focuses the opened row when the agent returns to the queue, else the first [data-focus]. */
  const restoreFocus = () => {
    isBusy = false;
    const row = lastRow && document.getElementById(lastRow);
    const target = row || document.querySelector("#main [data-focus]");
    if (target) target.focus();
    if (row) lastRow = "";
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

  const toggleHelp = () => {
    const keys = document.querySelector("[data-keys]");
    if (!keys) return;
    keys.open = !keys.open;
    keys.querySelector("summary").focus();
  };

  const handleKey = (key) => {
    if (key === "?") return toggleHelp() ?? true;
    if (key === "j" || key === "ArrowDown") return moveRow(1);
    if (key === "k" || key === "ArrowUp") return moveRow(-1);
    const element = elementFor(key);
    if (element) activate(element);
    return Boolean(element);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && isTextField(event.target)) {
      document.getElementById("main").focus();
      return;
    }
    if (isTextField(event.target) || localStorage.getItem(OFF) !== null) return;
    /* Held keys, and keys pressed during a request, decide nothing. */
    if (isBusy || (event.repeat && !["j", "k", "ArrowDown", "ArrowUp"].includes(event.key))) return;
    if (handleKey(event.key)) event.preventDefault();
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
