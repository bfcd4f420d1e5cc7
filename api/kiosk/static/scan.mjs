// Hears a scanner that types: characters faster than any hand, ended by Enter. A real keyboard's
// digits go to the keypad of the screen.

import { act, part, stage } from "./kiosk.mjs";
import { help } from "./keys.mjs";

const FAST_MS = 50; // between two characters of a scanner
const HAND_MS = 100; // after so long no other one follows: a hand typed this
const LEAST = 4; // characters of a slip

let heard = []; // what came since the last pause
let timer = 0;

const onNumber = () => stage().dataset.screen === "number" && !stage().dataset.overlay;
const listens = () => onNumber()
  || (stage().dataset.screen === "welcome" && ["", "idle"].includes(stage().dataset.overlay));

// When each key went down, not when this page came to it: a busy machine types no slower.
const fast = () => heard.every(({ at }, place) => !place || at - heard[place - 1].at < FAST_MS);

function typed() {
  const keys = heard;
  heard = [];
  for (const { key } of keys) {
    if (key >= "0" && key <= "9" && onNumber()) act(`digit:${key}`);
    else if (key.toLowerCase() === "h") help();
    else if (key === " " && document.activeElement.matches("button")) document.activeElement.click();
  }
}

function enter(event) {
  clearTimeout(timer);
  const scanned = heard.map(({ key }) => key).join("");
  const isScan = heard.length >= LEAST && fast() && event.timeStamp - heard.at(-1).at < FAST_MS;
  if (isScan) {
    heard = [];
    act("scan", { scanned });
  } else {
    typed();
    if (!onNumber() || document.activeElement.matches("button")) return;
    if (part("slip")?.dataset.slip.length === part("slip")?.children.length) act("number-done");
  }
  event.preventDefault();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !listens()) return;
  if (event.key === "Enter") enter(event);
  else if (event.key === "Backspace" && onNumber()) act("digit:delete");
  else if (event.key.length === 1) {
    // Also no button hears it: a space within a code is no press.
    event.preventDefault();
    heard.push({ key: event.key, at: event.timeStamp });
    clearTimeout(timer);
    timer = setTimeout(typed, HAND_MS);
  }
}, true);
