// Reads the screen aloud: files that the station made, one after the other, never two at once.
// What is said stands on #stage (data-speak, in order); what is heard is always on the screen too.

const START_MS = 300; // after the screen
const BETWEEN_MS = 250;
const SILENCE_MS = 8000; // then once more, once
const HINTS_MS = 4000; // from one hint's begin to the next one's
const LINE_MS = 12_000; // no line is longer than 8 s: whatever plays longer hangs

const audio = new Audio();
const stage = () => document.getElementById("stage");
const ids = () => (stage().dataset.speak ?? "").split(" ").filter(Boolean);
const isOn = () => stage().dataset.voice !== "off" && !document.hidden;

let place = ""; // the screen that is being read
let before = []; // what it said last
let turn = 0; // grows with whatever ends what is said now
let hintAt = -Infinity;
let waiting = []; // what came up while something else was said
let repeated = false;
let busy = false;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The mark names the finger or the paper; size and colours are no other screen.
function present() {
  const { screen, overlay, voice } = stage().dataset;
  return [screen, overlay, voice, stage().lang, stage().elements.mark.value].join(" ");
}

function address(id) {
  const line = id.split("#")[0];
  if (!line.startsWith("now.")) return `/voice/${stage().lang}/${line}.opus`;
  return `/voice/now/${line.slice(4)}.opus?token=${encodeURIComponent(stage().elements.token.value)}`;
}

export function stop() {
  turn += 1;
  waiting = [];
  busy = false;
  audio.pause();
  tell("");
}

// Resolves when the line is over; one that cannot be had is left to its caption.
async function play(id) {
  tell(id);
  const over = new Promise((resolve) => {
    audio.onended = audio.onerror = resolve;
    setTimeout(resolve, LINE_MS);
  });
  audio.volume = Number(stage().dataset.volume ?? 1);
  audio.src = address(id);
  try {
    await audio.play();
  } catch (fault) {
    // Not heard before the first touch, where a browser is set so: the next screen is.
    if (fault.name === "NotAllowedError") stop();
    return;
  }
  await over;
}

function tell(id) {
  document.body.dataset.speaking = id;
  if (id) document.dispatchEvent(new CustomEvent("speaking", { detail: id }));
}

async function say(lines, after = 0) {
  stop();
  if (!isOn() || !lines.length) return;
  const mine = turn;
  busy = true;
  await pause(after);
  // On a busy machine that was longer: what counts is when somebody begins to hear.
  if (turn === mine) hintAt = performance.now();
  for (const [place, id] of lines.entries()) {
    // The question is always heard; a newer hint matters more than the rest.
    if (turn !== mine || (place && waiting.length)) break;
    await play(id);
    if (turn === mine) await pause(BETWEEN_MS);
  }
  if (turn !== mine) return;
  busy = false;
  tell("");
  if (waiting.length) await hint();
  else await listen(mine);
}

// Nobody moved and nobody touched: perhaps nobody heard.
async function listen(mine) {
  await pause(SILENCE_MS);
  if (turn !== mine || repeated) return;
  repeated = true;
  await say(ids());
}

// The newest one, when the one before is over and long enough ago.
async function hint() {
  const mine = turn;
  await pause(Math.max(0, hintAt + HINTS_MS - performance.now()));
  if (turn !== mine || busy) return;
  const now = ids();
  const fresh = waiting.filter((id) => now.includes(id));
  waiting = [];
  if (!fresh.length) return;
  await say(fresh);
}

function look() {
  const [now, here] = [ids(), present()];
  if (here !== place) {
    const louder = place && stage().dataset.voice === "on" && place === here.replace(" on ", " off ");
    [place, before, repeated, hintAt] = [here, now, false, performance.now()];
    say(louder ? ["bar.voice_on", ...now] : now, START_MS);
    return;
  }
  const fresh = now.filter((id) => !before.includes(id));
  before = now;
  if (!fresh.length) return;
  repeated = false;
  waiting = fresh;
  if (!busy) hint();
}

// Everything on the screen, from the start, for whoever asks.
export function again() {
  repeated = true;
  say(ids());
}

// ---- by keys ----

let keyAt = -Infinity;
const captions = {}; // which line says what stands on a target, by language

async function lineOf(target) {
  const tongue = stage().lang;
  captions[tongue] ??= fetch(`/voice/${tongue}/captions.json`).then((answer) => answer.json()).catch(() => ({}));
  return (await captions[tongue])[target.textContent.trim()];
}

// A target that has the focus says its own words: for whoever works by keys and hears.
export async function sayTarget(target) {
  if (!isOn() || !ids().length) return; // on a staff sheet not a digit is said
  const mine = turn;
  const id = await lineOf(target);
  if (id && turn === mine) await say([id]);
}

document.addEventListener("focusin", (event) => {
  const byKey = performance.now() - keyAt < 500;
  if (byKey && event.target.matches?.("button")) sayTarget(event.target);
});

document.addEventListener("pointerdown", stop, true);
document.addEventListener("keydown", () => {
  keyAt = performance.now();
  stop();
}, true);
document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
document.addEventListener("click", (event) => {
  if (event.target.closest?.('[value="say-again"]')) again();
});
new MutationObserver(look).observe(stage(), {
  attributeFilter: ["data-key", "data-speak", "data-voice", "lang"],
});
look();
