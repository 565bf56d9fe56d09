"use strict";
/* Keys and focus. Everything works without this file; with it, faster. */
(() => {
  const OFF = "takeback-desk-keys-off";
  let busy = false;
  let lastRow = "";

  const typing = (node) => node.closest("input:not([type=checkbox]), textarea, select") !== null;
  const keyed = (key) => document.querySelector(`#main [data-key="${CSS.escape(key)}"]`);

  /* Where a new page is read from: what happened, else its heading, else the row one came from. */
  const settle = () => {
    busy = false;
    const row = lastRow && document.getElementById(lastRow);
    const place = row || document.querySelector("#main [data-focus]");
    if (place) place.focus();
    if (row) lastRow = "";
    const box = document.querySelector("[data-keys-on]");
    if (box) box.checked = localStorage.getItem(OFF) === null;
  };

  const move = (step) => {
    const rows = [...document.querySelectorAll("#main [data-row]")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    if (next) next.focus();
    return rows.length > 0;
  };

  const press = (node) => {
    const needed = node.dataset.needs && document.getElementById(node.dataset.needs);
    if (needed && !needed.value.trim()) needed.focus();
    else if (node.matches("textarea, input")) node.focus();
    else node.click();
  };

  const showKeys = () => {
    const keys = document.querySelector("[data-keys]");
    if (!keys) return;
    keys.open = !keys.open;
    keys.querySelector("summary").focus();
  };

  const act = (key) => {
    if (key === "?") return showKeys() ?? true;
    if (key === "j" || key === "ArrowDown") return move(1);
    if (key === "k" || key === "ArrowUp") return move(-1);
    const found = keyed(key);
    if (found) press(found);
    return Boolean(found);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && typing(event.target)) {
      document.getElementById("main").focus();
      return;
    }
    if (typing(event.target) || localStorage.getItem(OFF) !== null) return;
    /* One press, one step: a key held down, or pressed while a step is under way, does nothing. */
    if (busy || (event.repeat && !["j", "k", "ArrowDown", "ArrowUp"].includes(event.key))) return;
    if (act(event.key)) event.preventDefault();
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

  document.addEventListener("htmx:beforeRequest", () => { busy = true; });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) busy = false;
  });
  document.addEventListener("htmx:afterSettle", settle);
  settle();
})();
