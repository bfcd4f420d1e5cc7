// Paints the live picture and its figures as the station has drawn and counted them; counts nothing itself.

const STALE_MS = 750; // looked at every 200 ms, so that no picture stays that is older than a second
const canvas = document.getElementById("picture");
const hiddenNote = document.getElementById("hidden");
const silentNote = document.getElementById("silent");
const held = document.getElementById("held");
const form = document.getElementById("aids");
const tone = document.getElementById("tone");
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let frame = -1;
let frameAt = -Infinity;

const aids = () => [...form.querySelectorAll("input[type=checkbox]:checked")].map((one) => one.value).join(",");

async function watch() {
  for (;;) {
    if (document.hidden) { await pause(300); continue; }
    try {
      const answer = await fetch(`/live/picture.jpg?after=${frame}&aids=${aids()}`, { signal: AbortSignal.timeout(6000) });
      if (answer.status === 401) { location.href = "/sign-in"; return; }
      const problem = answer.ok ? "" : (await answer.json()).type ?? "";
      hiddenNote.hidden = !problem.endsWith("station-busy");
      if (answer.status === 200) await paint(answer);
      else {
        if (!answer.ok) frame = -1; // a reopened camera may count anew
        await pause(answer.ok ? 50 : 700);
      }
    } catch {
      await pause(700);
    }
  }
}

async function paint(answer) {
  const takenAt = performance.now() - Number(answer.headers.get("X-Frame-Age-Ms"));
  const figures = JSON.parse(answer.headers.get("X-Figures"));
  const picture = await createImageBitmap(await answer.blob());
  frame = Number(answer.headers.get("X-Frame"));
  if (performance.now() - takenAt < STALE_MS) {
    if (canvas.width !== picture.width || canvas.height !== picture.height) {
      [canvas.width, canvas.height] = [picture.width, picture.height];
    }
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.hidden = false;
    silentNote.hidden = true;
    frameAt = takenAt;
    tell(figures);
  }
  picture.close();
}

function tell(figures) {
  for (const [name, value] of Object.entries(figures)) {
    const place = document.querySelector(`[data-figure="${name}"]`);
    if (place) place.textContent = value === null ? "—" : value.toFixed(1);
  }
  held.value = figures.best ?? 0;
  hum(figures.sharpness);
}

// An old picture or an old figure must not stand there as if it were true now.
setInterval(() => {
  if (performance.now() - frameAt < STALE_MS) return;
  for (const place of document.querySelectorAll("[data-figure]:not([data-figure=best])")) place.textContent = "—";
  if (!canvas.hidden) {
    canvas.hidden = true;
    canvas.width = canvas.width; // wipes the old picture
  }
  silentNote.hidden = !hiddenNote.hidden;
  hum(null);
}, 200);

// ---- the tone rises with the figure: nobody has to look while both hands turn ----

let sound = null;
tone.hidden = !("AudioContext" in window);
tone.addEventListener("click", () => {
  const on = tone.getAttribute("aria-pressed") !== "true";
  tone.setAttribute("aria-pressed", String(on));
  if (on && !sound) {
    const context = new AudioContext();
    const voice = context.createOscillator();
    const gain = context.createGain();
    gain.gain.value = 0;
    voice.connect(gain).connect(context.destination);
    voice.start();
    sound = { context, voice, gain };
  }
  if (!on) hum(null);
});

function hum(value) {
  if (!sound) return;
  const on = value !== null && tone.getAttribute("aria-pressed") === "true";
  sound.gain.gain.setTargetAtTime(on ? 0.12 : 0, sound.context.currentTime, 0.03);
  // Three octaves from 220 Hz over 50 %/px: a tenth of the scale is heard as a clear step.
  if (on) sound.voice.frequency.setTargetAtTime(220 * 2 ** (Math.min(value, 50) * 3 / 50), sound.context.currentTime, 0.03);
}

// Aids are drawn on the station: the next picture has them.
form.addEventListener("change", () => { frame = -1; });
watch();
