// Goes back to the kiosk as soon as the sitting moves on: nobody's receipt stays on the screen.

const { key, heartbeatMs } = document.body.dataset;
let heardAt = performance.now();

const back = () => location.replace("/");
const source = new EventSource("/events");
source.addEventListener("heartbeat", () => { heardAt = performance.now(); });
source.addEventListener("screen", (event) => {
  heardAt = performance.now();
  if (JSON.parse(event.data).key !== key) back();
});
setInterval(() => { if (performance.now() - heardAt > 3 * Number(heartbeatMs)) back(); }, 2000);

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
document.addEventListener("contextmenu", (event) => event.preventDefault());
document.querySelector("h1").focus({ preventScroll: true });
