// Draws what the camera sees now, by asking for one frame after the other.

import { part, pause, stage } from "./kiosk.mjs";

const STALE_MS = 850; // looked at every 100 ms, so that no picture is shown that is older than a second

let frame = -1;
let frameAt = -Infinity;
let ahead = Infinity; // our clock before the station's, by the quickest answer: a slow one makes no picture younger

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
  const at = Number(answer.headers.get("X-Frame-At-Ms"));
  ahead = Math.min(ahead, performance.now() - at - Number(answer.headers.get("X-Frame-Age-Ms")));
  const takenAt = at + ahead;
  const picture = await createImageBitmap(await answer.blob());
  frame = Number(answer.headers.get("X-Frame"));
  const canvas = part("preview");
  if (canvas && performance.now() - takenAt < STALE_MS) {
    const scale = Math.min(picture.width / canvas.width, picture.height / canvas.height);
    const [width, height] = [canvas.width * scale, canvas.height * scale];
    const context = canvas.getContext("2d");
    // Mirrored as in a mirror; only here, never in the picture that is kept. A letter can be read.
    if (canvas.dataset.unmirrored === undefined) context.setTransform(-1, 0, 0, 1, canvas.width, 0);
    context.drawImage(picture, (picture.width - width) / 2, (picture.height - height) / 2, width, height,
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

setInterval(() => {
  const canvas = part("preview");
  if (canvas && performance.now() - frameAt >= STALE_MS) live(canvas, false);
}, 100);

preview();
