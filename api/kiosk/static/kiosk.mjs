// Spares the person the reload: keeps the standing page up to date and draws the preview.
// Holds no state of the sitting. Whatever goes wrong here, a reload shows the right screen.

const STALE_MS = 1000; // an older frame is never shown as live
const DEAF_MS = 700; // a second tap within this time is a trembling hand, not a wish
const TYPED = ["number", "pin"]; // what staff typed: digits and dots
const HEARTBEAT_MS = Number(document.body.dataset.heartbeatMs);

const stage = () => document.getElementById("stage");
const part = (name) => stage().querySelector(`[data-${name}]`);

let drawing = null; // the one loop that fetches the screen
let asked = 0; // how often it was wanted
let heardAt = performance.now();
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
    return;
  }
  if (place(fresh) !== place(old)) movedAt = performance.now();
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
  old.querySelector("h1")?.focus({ preventScroll: true });
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
  const share = document.body.dataset.screen === "portrait" ? live.hold : live.share;
  const finger = part("phase");
  if (finger) finger.dataset.phase = live.phase;
  part("ring")?.setAttribute("stroke-dasharray", `${share} 200`);
}

function say(name, words) {
  const line = part(name);
  if (line && line.textContent !== words) line.textContent = words;
}

function listen() {
  const source = new EventSource("/events");
  const heard = () => { heardAt = performance.now(); };
  source.addEventListener("open", heard);
  source.addEventListener("heartbeat", heard);
  source.addEventListener("screen", (event) => { heard(); show(JSON.parse(event.data)); });
  source.addEventListener("error", () => {
    // A refused stream (503) is final for the browser, not for us.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

// ---- touches ----

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("button")) return;
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

document.addEventListener("submit", async (event) => {
  if (event.target.id !== "stage" || event.target.method !== "post") return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target, event.submitter));
  // Unheard, it changed nothing: the screen shows what is, and a card says if nobody answers.
  const heard = typing.then(() => fetch("/act", { method: "POST", body, redirect: "manual",
    signal: AbortSignal.timeout(10_000) })).catch(() => {});
  if (event.submitter?.matches(".key, .field")) typing = heard;
  await heard;
  await draw();
});

document.addEventListener("contextmenu", (event) => event.preventDefault());

// ---- the preview ----

let frame = -1;
let frameAt = -Infinity;

async function preview() {
  for (;;) {
    if (!part("preview") || document.hidden) {
      await pause(200);
      continue;
    }
    try {
      const token = stage().elements.token.value;
      const answer = await fetch(`/preview/camera?after=${frame}&token=${token}`, { signal: AbortSignal.timeout(4000) });
      if (answer.status === 200) await paint(answer);
      else {
        if (answer.status !== 204) frame = -1; // a reopened camera may count anew
        await pause(300);
      }
    } catch {
      await pause(500);
    }
  }
}

async function paint(answer) {
  const takenAt = performance.now() - Number(answer.headers.get("X-Frame-Age-Ms"));
  const picture = await createImageBitmap(await answer.blob());
  frame = Number(answer.headers.get("X-Frame"));
  const canvas = part("preview");
  if (canvas && performance.now() - takenAt < STALE_MS) {
    const side = Math.min(picture.width, picture.height);
    const context = canvas.getContext("2d");
    // Mirrored as in a mirror; only here, never in the picture that is kept.
    context.setTransform(-1, 0, 0, 1, canvas.width, 0);
    context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side,
      0, 0, canvas.width, canvas.height);
    frameAt = takenAt;
    live(canvas, true);
  }
  picture.close();
}

function live(canvas, on) {
  if (canvas.hidden !== on) return;
  canvas.hidden = !on;
  part("resting").hidden = on;
  if (!on) canvas.width = canvas.width; // wipes the old picture
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- proof of life ----

setInterval(() => {
  const canvas = part("preview");
  if (canvas && performance.now() - frameAt >= STALE_MS) live(canvas, false);
}, 100);

setInterval(async () => {
  const lost = performance.now() - heardAt > 3 * HEARTBEAT_MS;
  const card = document.getElementById("lost");
  Object.assign(card.dataset, { scale: stage().dataset.scale, theme: stage().dataset.theme });
  for (const words of card.children) words.hidden = words.lang !== stage().lang;
  card.hidden = !lost;
  stage().inert = lost;
  if (!lost) return;
  const answer = await fetch("/screen", { signal: AbortSignal.timeout(1500) }).catch(() => null);
  if (answer?.ok) location.reload();
}, 2000);

listen();
preview();
