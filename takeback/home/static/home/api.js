// Follows the colour scheme of the system, and names what Swagger leaves without a name.
"use strict";

document.documentElement.lang = "en";
document.getElementById("swagger-ui").setAttribute("role", "main");

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

const NAMES = [
  [".servers select", "Server"],
  [".content-type-wrapper select, select.content-type", "Media type"],
  ["select", "Value"],
];

const nameControls = () => {
  for (const [selector, name] of NAMES) {
    for (const control of document.querySelectorAll(`#swagger-ui ${selector.replaceAll(", ", ", #swagger-ui ")}`)) {
      if (!control.hasAttribute("aria-label")) control.setAttribute("aria-label", name);
    }
  }
};
// A link inside a button is a second stop for the keyboard; the button already opens the operation.
const unlinkButtons = () => {
  for (const link of document.querySelectorAll("#swagger-ui .opblock-summary-control a[href]")) {
    link.removeAttribute("href");
  }
};

// Examples scroll sideways: the keyboard must reach them.
const reachExamples = () => {
  for (const example of document.querySelectorAll("#swagger-ui pre:not([tabindex])")) {
    example.tabIndex = 0;
  }
};

const improve = () => {
  nameControls();
  unlinkButtons();
  reachExamples();
};
new MutationObserver(improve).observe(document.getElementById("swagger-ui"), {
  childList: true,
  subtree: true,
});
