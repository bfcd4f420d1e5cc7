// Spares the person the reload: keeps the standing page up to date and draws the preview.
// Holds no state of the sitting. Whatever goes wrong here, a reload shows the right screen.

const DEAF_MS = 700; // a second tap within this time is a trembling hand, not a wish
const TYPED = ["number", "pin", "minutes"]; // what staff typed: digits and dots; how long one waits
const SILENT_MS = 1000; // so long a stream may be away before the service is asked whether it is there
const HEARTBEAT_MS = Number(document.body.dataset.heartbeatMs);

export const stage = () => document.getElementById("stage");
export const part = (name) => stage().querySelector(`[data-${name}]`);

let drawing = null; // the one loop that fetches the screen
let asked = 0; // how often it was wanted
let heardAt = performance.now();
let silentAt = null; // since when the stream is away
let gone = false; // nobody answered: whatever comes next is a new page
let touchedAt = -Infinity;
let movedAt = -Infinity; // when choices came to lie where others had been

// ---- the screen ----

function draw() {
  asked += 1;
  drawing ??= drawWhatIsWanted().finally(() => { drawing = null; });
  return drawing;
}

// Whoever asks while a fetch runs gets one that starts afterwards, so an older answer never stays.
async function drawWhatIsWanted() {
  for (let done = 0; done < asked;) {
    const now = asked;
    if (gone) return;
    try {
      const answer = await fetch("/screen", { signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error("screen");
      replace(await answer.text());
      done = now;
    } catch {
      await pause(500);
    }
  }
}

function replace(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.querySelector("#stage");
  const old = stage();
  if (fresh.dataset.key === old.dataset.key) {
    for (const name of TYPED) say(name, fresh.querySelector(`[data-${name}]`)?.textContent ?? "");
    type(fresh.querySelector("[data-slip]")?.dataset.slip ?? "");
    return;
  }
  const token = old.elements.token.value;
  if (token && token !== fresh.elements.token.value) {
    // A sitting is over: nothing of it may stay in this page, not even what nobody sees.
    gone = true;
    location.replace("/");
    return;
  }
  const moved = place(fresh) !== place(old);
  const held = document.activeElement;
  if (moved) movedAt = performance.now();
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  for (const name of ["token", "mark"]) old.elements[name].value = fresh.elements[name].value;
  // What stays the same stays the same element: a finger may be on it right now.
  for (const block of ["header", "main", "nav", "footer"]) {
    const [before, after] = [old, fresh].map((form) => form.querySelector(block));
    if (before.isEqualNode(after)) continue;
    keepPreview(before, after);
    before.replaceWith(after);
  }
  document.documentElement.lang = old.lang;
  document.body.dataset.screen = old.dataset.screen;
  document.body.dataset.overlay = old.dataset.overlay;
  if (moved || !held?.isConnected || held === document.body) refocus(moved ? null : held);
}

// Where the same button stands again it keeps the focus; else reading begins at the heading.
function refocus(held) {
  const twin = held?.value && stage().querySelector(`button[value="${held.value}"]`);
  const target = twin || stage().querySelector("h1");
  target?.focus({ preventScroll: true });
  // A heading that is hidden, as beside a camera that rests, takes none.
  if (document.activeElement !== target) stage().querySelector("main").focus({ preventScroll: true });
}

// While only words around it change the picture stays: no flash of a camera that rests.
function keepPreview(before, after) {
  const [shown, fresh] = [before, after].map((block) => block.querySelector("[data-preview]"));
  if (!fresh || !shown || shown.hidden) return;
  shown.setAttribute("aria-label", fresh.getAttribute("aria-label"));
  fresh.replaceWith(shown);
  after.querySelector("[data-resting]").hidden = true;
}

// The mark names the screen and the finger that is asked for.
const place = (form) => `${form.elements.mark.value} ${form.dataset.overlay}`;

function show(live) {
  if (live.key !== stage().dataset.key) {
    draw();
    return;
  }
  stage().dataset.speak = live.speak;
  for (const name of ["hint", "aside", "press", ...TYPED]) say(name, live[name]);
  type(live.slip);
  const share = document.body.dataset.screen === "portrait" ? live.hold : live.share;
  const finger = part("phase");
  if (finger) finger.dataset.phase = live.phase;
  part("ring")?.setAttribute("stroke-dasharray", `${share} 200`);
}

function say(name, words) {
  const line = part(name);
  if (line && line.textContent !== words) line.textContent = words;
}

// The number on the slip, a box for each digit.
function type(slip) {
  const boxes = part("slip");
  if (!boxes || boxes.dataset.slip === slip) return;
  boxes.dataset.slip = slip;
  boxes.setAttribute("aria-label", `${boxes.dataset.label} ${slip}`);
  for (const [place, box] of [...boxes.children].entries()) box.textContent = slip[place] ?? "";
}

function listen() {
  const source = new EventSource("/events");
  const heard = () => { [heardAt, silentAt] = [performance.now(), null]; };
  source.addEventListener("open", heard);
  source.addEventListener("heartbeat", heard);
  source.addEventListener("screen", (event) => { heard(); show(JSON.parse(event.data)); });
  source.addEventListener("error", () => {
    silentAt ??= performance.now();
    // A refused stream (503) is final for the browser, not for us.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

// ---- touches ----

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("button")) {
    // Before a card of the idle screen the whole of it is the button.
    if (stage().dataset.overlay === "idle" && event.target.closest?.("main")) act("still-here");
    return;
  }
  // Staff type as fast as they can: a key hears as soon as its screen has stood for a moment.
  const key = event.target.closest(".key");
  // The bars stand still, so they hear at once; a choice may have come under a finger.
  const since = Math.max(key ? -Infinity : touchedAt, event.target.closest("main") ? movedAt : -Infinity);
  if (performance.now() - since < DEAF_MS) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (!key) touchedAt = performance.now();
}, true);

// Digits arrive in their order, in the field that was asked for, before what is signed with them.
let typing = Promise.resolve();

document.addEventListener("submit", (event) => {
  const way = event.submitter?.getAttribute("formmethod") ?? event.target.method;
  if (event.target.id !== "stage" || way !== "post") return;
  event.preventDefault();
  send(new URLSearchParams(new FormData(event.target, event.submitter)),
    event.submitter?.matches(".key, .field"));
});

// What is no button of the screen: a scanned slip, a key of a real keyboard.
export function act(action, more = {}) {
  const body = new URLSearchParams(new FormData(stage()));
  for (const [name, value] of Object.entries({ action, ...more })) body.set(name, value);
  return send(body, true);
}

async function send(body, inOrder) {
  // Unheard, it changed nothing: the screen shows what is, and a card says if nobody answers.
  const heard = typing.then(() => fetch("/act", { method: "POST", body, redirect: "manual",
    signal: AbortSignal.timeout(10_000) })).catch(() => {});
  if (inOrder) typing = heard;
  await heard;
  await draw();
}

document.addEventListener("contextmenu", (event) => event.preventDefault());

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- proof of life ----

setInterval(async () => {
  const now = performance.now();
  const silent = silentAt !== null && now - silentAt > SILENT_MS;
  if (!gone && !silent && now - heardAt <= 3 * HEARTBEAT_MS) return;
  const answer = await fetch("/screen", { signal: AbortSignal.timeout(1500) }).catch(() => null);
  if (answer?.ok && gone) location.reload();
  else if (answer?.ok) {
    // It is there and only the stream is not: this page looks by itself until there is one.
    heardAt = performance.now();
    replace(await answer.text());
  } else lost();
}, 500);

function lost() {
  const card = document.getElementById("lost");
  Object.assign(card.dataset, { scale: stage().dataset.scale, theme: stage().dataset.theme });
  for (const words of card.children) words.hidden = words.lang !== stage().lang;
  card.hidden = false;
  stage().inert = gone = true;
}

listen();
