// Keeps the standing page up to date: what the station says, and where the knobs stand.

const LOOK_MS = 700;
const language = document.body.dataset.lang;

async function look() {
  try {
    const answer = await fetch(`/seen?lang=${language}`, { signal: AbortSignal.timeout(3000) });
    if (!answer.ok) return;
    const { seen, stand } = await answer.json();
    for (const [what, words] of Object.entries(seen)) say(what, words);
    for (const button of document.querySelectorAll("button[aria-pressed]")) {
      const [knob, to] = button.value.split("=");
      button.setAttribute("aria-pressed", String(stand[knob] === to));
    }
  } catch {
    // The demo has ended, or is busy: the next look tells.
  }
}

function say(what, words) {
  const line = document.querySelector(`[data-seen="${what}"]`);
  if (line.textContent !== words) line.textContent = words;
}

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target, event.submitter));
  await fetch("/turn", { method: "POST", body, redirect: "manual" }).catch(() => {});
  await look();
});

setInterval(look, LOOK_MS);
