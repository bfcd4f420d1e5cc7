// Paints the station's time as 24 cells, anew at every refresh of the screen; docs/calibration.md.
// The code is that of quality/optics/time_code.py: 18 bits of milliseconds, 6 of their check.

const ASKS = 8;
const VALUE_BITS = 18, CHECK_BITS = 6, POLYNOMIAL = 0b1000011;
const cells = [...document.querySelectorAll("[data-cell]")];
const now = () => performance.timeOrigin + performance.now();

function checkOf(value) {
  let rest = ((value << CHECK_BITS) | 0b101010) ^ (0b110011 << VALUE_BITS);
  for (let place = VALUE_BITS + CHECK_BITS - 1; place >= CHECK_BITS; place -= 1) {
    if ((rest >> place) & 1) rest ^= POLYNOMIAL << (place - CHECK_BITS);
  }
  return rest;
}

async function offset() {
  let best = { tripMs: Infinity, offsetMs: 0 };
  for (let n = 0; n < ASKS; n += 1) {
    const began = now();
    const { ms } = await (await fetch("/calibration/clock")).json();
    const tripMs = now() - began;
    if (tripMs < best.tripMs) best = { tripMs, offsetMs: ms - (began + tripMs / 2) };
  }
  return best;
}

const { tripMs, offsetMs } = await offset();
document.querySelector("[data-error]").textContent = `± ${(tripMs / 2).toFixed(1)} ms`;
document.body.dataset.ready = "";

function paint() {
  const value = Math.floor(now() + offsetMs) % (1 << VALUE_BITS);
  const whole = (value << CHECK_BITS) | checkOf(value);
  cells.forEach((cell, place) => {
    cell.setAttribute("fill", (whole >> (23 - place)) & 1 ? "#fff" : "#000");
  });
  requestAnimationFrame(paint);
}
paint();
