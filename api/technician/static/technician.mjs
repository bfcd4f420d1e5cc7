// What every page does beside its forms: leaves when it is locked, and says when the station is silent.

const LOCKS_AFTER_MS = Number(document.body.dataset.locksAfterMs);
const lost = document.getElementById("lost");
let lock;

function lockLater() {
  clearTimeout(lock);
  // The server forgets who does nothing; the screen must not go on showing what it showed.
  lock = setTimeout(() => { location.href = "/sign-in"; }, LOCKS_AFTER_MS);
}
lockLater();

for (const failed of ["htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(failed, () => { lost.hidden = false; });
}
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) lost.hidden = true;
});
// A part that is taken away under a finger does not hear the touch.
let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => setTimeout(() => { pressed = false; }, 0), true);
}
document.body.addEventListener("htmx:beforeSwap", (event) => {
  // The answer to a touch is always shown; what renews itself waits for whoever types or chooses.
  if (event.detail.requestConfig.verb !== "get") return;
  const held = document.activeElement?.matches("input, select, textarea") && event.detail.target.contains(document.activeElement);
  if (pressed || held) event.detail.shouldSwap = false;
});
