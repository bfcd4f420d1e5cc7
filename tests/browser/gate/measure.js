// What the gate reads off a drawn page. Only reads and returns; what is right, rules.py says.
window.gate = (() => {
  const MISSED = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TITLE"]);
  const stage = () => document.getElementById("stage");
  const shown = (e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && box.height > 0
      && e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  };
  const box = (b) => ({ left: b.left, top: b.top, right: b.right, bottom: b.bottom });
  const words = (e) => e.textContent.replace(/\s+/g, " ").trim();
  const clear = (colour) => /^(transparent|rgba\(.*, 0\))$/.test(colour);
  const called = (e) => `${e.tagName.toLowerCase()}${[...e.classList].map((c) => `.${c}`).join("")}`;

  // The colour that lies behind an element's own content; "" where a picture lies there.
  function behind(e) {
    for (; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage !== "none") return "";
      if (!clear(style.backgroundColor)) return style.backgroundColor;
    }
    return "rgb(255, 255, 255)";
  }

  const faded = (e) => {
    for (; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.opacity !== "1" || style.filter !== "none") return true;
    }
    return false;
  };

  function cutBy(e, rects) {
    for (let a = e; a && a !== document.documentElement; a = a.parentElement) {
      const style = getComputedStyle(a);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const b = a.getBoundingClientRect();
      if (rects.some((r) => r.left < b.left - 1 || r.right > b.right + 1 || r.top < b.top - 1
        || r.bottom > b.bottom + 1)) return called(a);
    }
    return "";
  }

  function texts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement, said = walker.currentNode.textContent.trim();
      if (!said || MISSED.has(e.tagName) || !shown(e)) continue;
      range.selectNodeContents(walker.currentNode);
      const rects = [...range.getClientRects()].filter((r) => r.width > 0);
      if (!rects.length) continue;
      const style = getComputedStyle(e);
      found.push({
        words: said, element: called(e), title: !!e.closest("h1"), button: !!e.closest("button"),
        font_px: parseFloat(style.fontSize), line_px: parseFloat(style.lineHeight),
        family: style.fontFamily, ink: style.color, paper: behind(e), faded: faded(e),
        rects: rects.map(box), lines: new Set(rects.map((r) => Math.round(r.top))).size, cut_by: cutBy(e, rects),
        left: Math.min(...rects.map((r) => r.left)), top: Math.min(...rects.map((r) => r.top)),
        right: Math.max(...rects.map((r) => r.right)),
        bottom: Math.max(...rects.map((r) => r.bottom)),
      });
    }
    return found;
  }

  const TARGETS = "button, a[href], input:not([type=hidden]), select, textarea, summary, [tabindex]:not([tabindex='-1'])";

  function targets() {
    return [...stage().querySelectorAll(TARGETS)].filter(shown).map((e) => {
      const style = getComputedStyle(e);
      return {
        words: words(e), name: e.getAttribute("aria-label") || words(e), value: e.value || "",
        element: called(e), choice: e.matches(".choice"), key: e.matches(".key, .field"),
        where: e.closest("header, main, nav")?.tagName.toLowerCase() || "",
        tab: e.tabIndex, icon: !!e.querySelector("svg"), pressed: e.getAttribute("aria-pressed"),
        weight: style.fontWeight, border_px: parseFloat(style.borderTopWidth),
        border: style.borderTopColor, fill: behind(e), around: behind(e.parentElement),
        ...box(e.getBoundingClientRect()),
      };
    });
  }

  // Keyboard focus as the browser draws it, on each target in turn.
  function rings() {
    const before = document.activeElement;
    const found = [...stage().querySelectorAll(TARGETS)].filter(shown).map((e) => {
      e.focus({ preventScroll: true });
      const style = getComputedStyle(e);
      return {
        words: words(e), seen: e.matches(":focus-visible"), style: style.outlineStyle,
        width_px: parseFloat(style.outlineWidth), colour: style.outlineColor,
        around: behind(e.parentElement),
      };
    });
    before?.focus?.({ preventScroll: true });
    return found;
  }

  // Hands look for what seems to be a button; only real ones hear a key and have a name.
  function impostors() {
    return [...stage().querySelectorAll("*")].filter((e) => shown(e) && !e.closest("button, a[href]")
      && (e.onclick || e.hasAttribute("onclick") || e.getAttribute("role") === "button"
        || getComputedStyle(e).cursor === "pointer" || e.getAttribute("draggable") === "true"))
      .map(called);
  }

  function icons() {
    return [...stage().querySelectorAll("svg.icon, img.icon")].filter(shown).map((e) => {
      let near = e.parentElement;
      while (!words(near) && !near.matches("button, li, main, form")) near = near.parentElement;
      return { where: called(near), words: words(near),
        ink: getComputedStyle(e).stroke, paper: behind(e) };
    });
  }

  // Where the machine changes words while somebody looks: a screen reader must hear of it.
  const TOLD = "[data-hint], [data-aside], [data-press], [data-told], [data-live]";

  function told() {
    return [...stage().querySelectorAll(TOLD)].map((e) => ({
      element: `${called(e)} ${Object.keys(e.dataset).map((k) => `data-${k}`)}`,
      live: !!e.closest("[aria-live=polite], [aria-live=assertive], [role=status], [role=alert]"),
    }));
  }

  function paragraphs() {
    const pairs = [];
    for (const e of stage().querySelectorAll("main p + p, main li + li")) {
      const before = e.previousElementSibling;
      if (!shown(e) || !shown(before) || e.closest("[class*=ticks], .checks, .progress")) continue;
      const [a, b] = [before, e].map((one) => one.getBoundingClientRect());
      if (b.top < a.bottom - 1) continue; // beside each other
      const lines = [before, e].map((one) => parseFloat(getComputedStyle(one).lineHeight));
      pairs.push({ words: words(e), gap_px: b.top - a.bottom, line_px: Math.min(...lines) });
    }
    return pairs;
  }

  const over = () => [...document.querySelectorAll("body *")].filter((e) => shown(e)
    && getComputedStyle(e).display !== "inline" && e.clientWidth > 0 && !(e instanceof SVGElement)
    && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map(called);

  const unnamed = () => [...stage().querySelectorAll("img, canvas, svg, [role=img], figure")]
    .filter((e) => shown(e) && !e.closest("[aria-hidden=true]")
      && !e.hasAttribute("alt") && !e.getAttribute("aria-label") && !words(e)).map(called);

  const strokes = () => [[".progress li", "borderTopColor"], [".way .come, .ring .way", "stroke"],
    [".hand .pulse", "stroke"]].flatMap(([selector, property]) =>
    [...stage().querySelectorAll(selector)].filter(shown).map((e) => ({ element: called(e),
      ink: getComputedStyle(e)[property], paper: behind(e.parentElement) })));

  function read(withFocus) {
    return {
      texts: texts(), targets: targets(), rings: withFocus ? rings() : [], impostors: impostors(),
      icons: icons(), told: told(), paragraphs: paragraphs(), over: over(), unnamed: unnamed(),
      strokes: strokes(), width: innerWidth, height: innerHeight,
      questions: [...document.querySelectorAll("h1")].filter(shown).length,
      moving: document.getAnimations().filter((a) => a.playState === "running").length,
      resting: !!stage().querySelector("[data-resting]:not([hidden])"), language: stage().lang, page_language: document.documentElement.lang,
    };
  }

  // The server's page takes the place of the one before; no script of the page runs here.
  async function draw() {
    const text = await (await fetch("/screen")).text();
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("stage");
    stage().replaceWith(document.adoptNode(fresh));
    document.documentElement.lang = fresh.lang;
    Object.assign(document.body.dataset, { screen: fresh.dataset.screen, overlay: fresh.dataset.overlay });
    await Promise.all([...fresh.querySelectorAll("img")].map((img) => img.decode().catch(() => {})));
    await document.fonts.ready;
    live(true);
    return fresh.dataset.screen;
  }

  const wear = ({ resting, ...look }) => { Object.assign(stage().dataset, look); live(!resting); };

  // As the page's script does it: the camera's picture, or the card that it rests.
  function live(on) {
    const [picture, card] = ["preview", "resting"].map((name) => stage().querySelector(`[data-${name}]`));
    if (picture) [picture.hidden, card.hidden] = [!on, on];
  }

  // Half as long again within each word, as a language of long words is; figures stay.
  function lengthen(share) {
    const walker = document.createTreeWalker(stage(), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const longer = (word) => word + word.slice(0, Math.ceil(share * word.length));
      walker.currentNode.textContent = walker.currentNode.textContent
        .replace(/[\p{L}]+/gu, longer);
    }
  }

  function looks(wanted, withFocus) {
    return wanted.map((look, index) => {
      wear(look);
      return { look, ...read(withFocus && index === 0) };
    });
  }

  return { draw, wear, looks, read, lengthen, stage };
})();
