// The whole screen by five keys or a keyboard alone: arrows, Enter, Escape = back, H = help.
// Enter itself is the browser's: it presses the button that has the focus.

import { act, stage } from "./kiosk.mjs";

const NEXT = ["ArrowDown", "ArrowRight"];
const BEFORE = ["ArrowUp", "ArrowLeft"];
const BACK = ["stay", "staff:back", "still-here"]; // the way back from what lies over a screen

// As the eye reads: the page is written in that order.
const targets = () => [...document.querySelectorAll("button:not(:disabled)")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]"));

function go(step) {
  const all = targets();
  const here = document.activeElement;
  if (!all.length) return;
  const at = all.indexOf(here);
  if (at >= 0) {
    all.at((at + step) % all.length).focus();
    return;
  }
  // From the heading to what follows it: the first choice.
  const start = here && here !== document.body ? here : document.querySelector("h1");
  const after = all.findIndex((one) => start?.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  all.at(step > 0 ? Math.max(after, 0) : (after < 0 ? -1 : after - 1)).focus();
}

function back() {
  const main = stage()?.querySelector("main");
  const over = BACK.map((action) => main?.querySelector(`button[value="${action}"]`)).find(Boolean);
  (over ?? document.querySelector(".corner"))?.click();
}

export const help = () => document.querySelector('nav button[value="help"]')?.click();

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const idle = stage()?.dataset.overlay === "idle";
  const one = NEXT.includes(event.key) ? () => go(1)
    : BEFORE.includes(event.key) ? () => go(-1)
    : event.key === "Escape" ? back
    : event.key.toLowerCase() === "h" ? help
    : idle && event.key === "Enter" && !document.activeElement.matches("button") ? () => act("still-here")
    : null;
  if (!one) return;
  event.preventDefault();
  one();
});
