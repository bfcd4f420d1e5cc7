// Spares the staff the reload: keeps the standing board up to date and draws the small preview.
// Holds nothing of its own. Whatever goes wrong here, a reload shows the right board.

const STALE_MS = 850; // looked at every 100 ms, so that no picture stays that is older than a second
const HEARTBEAT_MS = Number(document.body.dataset.heartbeatMs);
const LOCKS_AFTER_MS = Number(document.body.dataset.locksAfterMs);
const TITLE = document.title;

const board = () => document.getElementById("board");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const leave = () => { location.href = "/sign-in"; };

let heardAt = performance.now();
let drawing = null; // the one loop that fetches the board
let asked = 0; // how often it was wanted

// ---- the board ----

function draw() {
  asked += 1;
  drawing ??= drawWhatIsWanted().finally(() => { drawing = null; });
  return drawing;
}

async function drawWhatIsWanted() {
  for (let done = 0; done < asked;) {
    const now = asked;
    try {
      const answer = await fetch("/board", { signal: AbortSignal.timeout(8000) });
      if (answer.status === 401) return leave();
      if (!answer.ok) throw new Error("board");
      const html = await answer.text();
      // A button that is taken away under a finger does not hear the touch.
      for (let waited = 0; pressed && waited < 2000; waited += 50) await pause(50);
      replace(html);
      done = now;
    } catch {
      await pause(500);
    }
  }
}

let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) {
  // The click follows the release.
  document.addEventListener(end, () => setTimeout(() => { pressed = false; }, 0), true);
}

function replace(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const [old, fresh] = [board(), template.content.querySelector("#board")];
  const chosen = [...old.querySelectorAll("select, input[type=checkbox]")].map(choice);
  const focus = place(document.activeElement);
  // A canvas that goes on keeps its picture: no flash of black.
  const [canvas, next] = [old, fresh].map((one) => one.querySelector("[data-preview]"));
  if (canvas && next) next.replaceWith(canvas);
  swap(old, fresh);
  for (const { key, value } of chosen) restore(board(), key, value);
  if (focus) [...board().querySelectorAll("button, select, input")].find((one) => place(one) === focus)?.focus();
  const calls = Number(fresh.dataset.calls);
  document.title = calls ? `(${calls}) ${TITLE}` : TITLE;
}

// What stays the same stays the same element: a finger may be on it right now.
function swap(old, fresh) {
  const [before, after] = [old, fresh].map((one) => [...one.querySelectorAll("section, .said")]);
  if (before.length !== after.length || before.some((one, n) => one.id !== after[n].id)) {
    old.replaceWith(fresh);
    return;
  }
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  before.forEach((one, n) => { if (!one.isEqualNode(after[n])) one.replaceWith(after[n]); });
}

// What was chosen and not sent yet stays chosen, as long as it is for the same screen and row.
const place = (field) => field?.form && [field.form.elements.mark?.value, field.form.elements.token?.value,
  field.form.elements.row?.value, field.form.elements.left?.value, field.form.elements.ticket?.value,
  field.name, field.tagName === "BUTTON" ? field.value : ""].join("|");
const choice = (field) => ({ key: place(field), value: field.type === "checkbox" ? field.checked : field.value });
function restore(fresh, key, value) {
  const field = [...fresh.querySelectorAll("select, input[type=checkbox]")].find((one) => place(one) === key);
  if (!field) return;
  if (field.type === "checkbox") field.checked = value;
  else if ([...field.options].some((option) => option.value === value)) field.value = value;
}

function listen() {
  const source = new EventSource("/events");
  const heard = () => { heardAt = performance.now(); };
  source.addEventListener("open", heard);
  source.addEventListener("heartbeat", heard);
  source.addEventListener("locked", leave);
  source.addEventListener("board", (event) => {
    heard();
    if (JSON.parse(event.data).key !== board().dataset.key) draw();
  });
  source.addEventListener("error", async () => {
    if (source.readyState !== EventSource.CLOSED) return;
    // Refused: locked, or too many listen.
    await pause(2000);
    const answer = await fetch("/board").catch(() => null);
    if (answer?.status === 401) leave();
    else listen();
  });
}

// ---- touches ----

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || "whole" in form.dataset) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  lockLater();
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    await fetch(form.action, { method: "POST", body, redirect: "manual", signal: AbortSignal.timeout(10_000) });
  } catch { /* unheard, it changed nothing: the board shows what is */ }
  if (event.submitter?.value.startsWith("language:")) location.reload();
  await draw();
  for (const button of form.querySelectorAll("button")) button.disabled = false;
});

// The server forgets who does nothing; the screen must not go on showing what it showed.
let lock;
function lockLater() {
  clearTimeout(lock);
  lock = setTimeout(leave, LOCKS_AFTER_MS);
}

// ---- the preview ----

let frame = -1;
let frameAt = -Infinity;

async function preview() {
  for (;;) {
    const canvas = board().querySelector("[data-preview]");
    if (!canvas || document.hidden) {
      await pause(300);
      continue;
    }
    try {
      const answer = await fetch(`/preview.jpg?after=${frame}`, { signal: AbortSignal.timeout(6000) });
      if (answer.status === 200) await paint(answer);
      else {
        if (answer.status !== 204) frame = -1; // a reopened camera may count anew
        await pause(500);
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
  const canvas = board().querySelector("[data-preview]");
  if (canvas && performance.now() - takenAt < STALE_MS) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.hidden = false;
    frameAt = takenAt;
  }
  picture.close();
}

setInterval(() => {
  const canvas = board().querySelector("[data-preview]");
  if (canvas && !canvas.hidden && performance.now() - frameAt >= STALE_MS) {
    canvas.hidden = true;
    canvas.width = canvas.width; // wipes the old picture
  }
  document.getElementById("lost").hidden = performance.now() - heardAt < 3 * HEARTBEAT_MS;
}, 100);

lockLater();
listen();
preview();
