"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const wide = matchMedia("(min-width: 70em)");

  // A page opened as a file may be refused its storage; then the choice lasts as long as the page.
  const recall = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* as said */ } };
  const chosen = recall();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  // The letters of formulas are decoded while the page is read: a line set without them would be laid out twice.
  root.dataset.setting = "";
  for (const face of document.fonts) if (/KaTeX_(Main|Math)/.test(face.family) && face.weight === "400") face.load();

  // Formulas: the TeX in the annotation is set by KaTeX; what stood there before stays as what is read aloud.
  const macros = { "\\fwd": "\\htmlClass{fwd}{#1}", "\\bwd": "\\htmlClass{bwd}{#1}", "\\arraystretch": "1.15" };
  const trust = (context) => context.command === "\\htmlClass";

  // A line that does not fit is broken outside parentheses: before a relation; where that is not enough, before a sign
  // of a sum; and only then before a sign of a product. The place of a sign in this list is its rank.
  const SIGNS = [/^(=|\\approx|\\leftarrow)$/, /^ [-+] $/, /^\\(times|cdot|odot)$/];

  // A formula with the places where it may be broken, and the rank of the sign at each.
  function breakable(tex) {
    let depth = 0;
    const ranks = [];
    const marked = tex.replace(/\\[a-zA-Z]+|\\.|[{}()[\]=]| [-+] /g, (token, place) => {
      if (/[{([]/.test(token) || token === "\\begin") depth += 1;
      else if (/^[})\]]/.test(token) || token === "\\end") depth -= 1;
      const rank = SIGNS.findIndex((sign) => sign.test(token));
      if (rank < 0) return token;
      if (depth || !place) return ` ${token.trim()} \\nobreak `;
      ranks.push(rank);
      return `\\allowbreak ${token.trim()} \\nobreak `;
    });
    return { marked, ranks };
  }

  // What is between two signs of a rank is a box: it goes to the next line as a whole, and is broken inside only where a
  // line of its own is too short for it.
  function nest(parts, ranks, rank = 0) {
    const starts = [0, ...ranks.flatMap((one, place) => (one <= rank ? [place + 1] : []))];
    starts.forEach((start, place) => {
      const run = parts.slice(start, starts[place + 1]);
      if (run.length < 2) return;
      if (starts.length > 1) {
        const held = document.createElement("span");
        held.className = "part";
        run[0].before(held);
        held.append(...run);
      }
      if (rank + 1 < SIGNS.length) nest(run, ranks.slice(start, start + run.length - 1), rank + 1);
    });
  }

  // A formula as KaTeX sets it, with its boxes; nothing where it cannot.
  function laidOut(tex, isDisplayed) {
    const place = document.createElement("span");
    const { marked, ranks } = breakable(tex);
    try {
      katex.render((isDisplayed ? "\\displaystyle " : "") + marked, place, { output: "html", throwOnError: true, strict: "ignore", trust, macros });
    } catch {
      return null;
    }
    const set = place.firstChild;
    const parts = [...set.querySelectorAll(":scope > .katex-html > .base")];
    if (parts.length === ranks.length + 1) nest(parts, ranks);
    return set;
  }

  function setFormula(math) {
    const isDisplayed = math.getAttribute("displaystyle") === "true";
    const set = laidOut(math.querySelector("annotation").textContent, isDisplayed);
    if (!set) return; // What the browser itself makes of it stays.
    const spoken = document.createElement("span");
    spoken.className = "katex-mathml";
    math.replaceWith(set);
    spoken.append(math);
    set.prepend(spoken);
    if (!isDisplayed) keep(set);
  }

  // No line begins with the full stop or the comma behind a formula.
  function keep(set) {
    const after = set.nextSibling;
    const sign = after?.nodeType === Node.TEXT_NODE && /^[\p{Po}\p{Pe}\p{Pf}]+/u.exec(after.data);
    if (!sign || set.querySelectorAll(".base").length > 1) return;
    after.splitText(sign[0].length);
    const kept = document.createElement("span");
    kept.className = "kept";
    set.before(kept);
    kept.append(set, after);
  }

  // The first screens are set before anything is shown, the rest in slices between frames; all are set where all are
  // needed at once: on paper, and before a place further down is sought.
  const SCREENS = 2, HEIGHT = 20, SLICE = 50; // There is about one formula in HEIGHT pixels; a slice is of SLICE milliseconds.
  let unset = [];
  const setFormulas = (isEnough) => { while (unset.length && !isEnough()) setFormula(unset.pop()); };
  const setAll = () => setFormulas(() => false);

  function formulas() {
    unset = [...document.querySelectorAll("math")].reverse();
    const rest = location.hash.length > 1 ? 0 : unset.length - (SCREENS * innerHeight) / HEIGHT;
    try {
      setFormulas(() => unset.length <= rest);
    } finally {
      delete root.dataset.setting;
    }
    between();
  }

  // An image on its way holds back the load event, as the formulas do that are not set yet: who waits for the page has all.
  function between() {
    const pause = new Image();
    pause.onload = pause.onerror = () => {
      const end = performance.now() + SLICE;
      setFormulas(() => performance.now() > end);
      if (unset.length) between();
      else root.dataset.ready = "";
    };
    pause.src = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=";
  }

  // What is copied is LaTeX, by KaTeX's extension: here without our commands for colours, and a chain in one piece.
  document.addEventListener("copy", (event) => {
    if (!event.defaultPrevented) return;
    const copied = event.clipboardData.getData("text/plain");
    const plain = copied.replace(/\\[fb]wd(?![a-zA-Z])/g, "").replace(/\$\$\s*(?=\$)/g, "").replace(/\$\s+\$(?== |\\approx )/g, "\n");
    event.clipboardData.setData("text/plain", plain.replace(/\s*\n\s*/g, "\n").trim());
  });

  function unfold(element) {
    for (let at = element; at; at = at.parentElement) if (at.localName === "details") at.open = true;
  }

  // The place in the address, whatever somebody has written there.
  function asked() {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
  }

  function goTo(id) {
    const target = id && document.getElementById(id);
    if (!target) return;
    setAll();
    show(target, true);
  }

  // Brings something onto the screen, with the keyboard where that is wanted; what is there already stays where it is.
  function show(target, takesFocus = false) {
    unfold(target);
    if (!("drawn" in root.dataset)) {
      root.dataset.drawn = ""; // What lies between has its true height from now on.
      reachable(boxes());
    }
    target.scrollIntoView({ block: target.offsetHeight < innerHeight ? "center" : "start" });
    if (takesFocus) target.focus({ preventScroll: true });
  }

  function tools() {
    const folding = () => document.querySelectorAll("main details");
    const theme = document.querySelector('[data-action="theme"]');
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
    const show = () => theme.setAttribute("aria-pressed", String(isDark()));
    const actions = {
      expand: () => folding().forEach((one) => { one.open = true; }),
      collapse: () => folding().forEach((one) => { one.open = false; }),
      notes: (event) => {
        const areShown = root.dataset.notes !== "none";
        root.dataset.notes = areShown ? "none" : "all";
        event.currentTarget.setAttribute("aria-pressed", String(!areShown));
      },
      theme: () => { root.dataset.theme = isDark() ? "light" : "dark"; remember(root.dataset.theme); show(); },
    };
    for (const button of document.querySelectorAll("[data-action]")) {
      button.addEventListener("click", actions[button.dataset.action]);
    }
    dark.addEventListener("change", show);
    show();
    document.querySelector(".tools").hidden = false;

    // On paper everything is unfolded.
    let folded = [];
    addEventListener("beforeprint", () => {
      setAll();
      folded = [...folding()].filter((one) => !one.open);
      actions.expand();
    });
    addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));
  }

  function contents() {
    const list = document.querySelector("nav > details");
    const fit = () => { list.open = wide.matches; };
    wide.addEventListener("change", fit);
    fit();
    const links = new Map([...list.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
    const inView = new Set();
    const watcher = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) inView[isIntersecting ? "add" : "delete"](target.id);
      // Of the sections on the screen the innermost of the first ones is being read.
      const current = [...links.keys()].filter((id) => inView.has(id)).find(
        (id, position, all) => !all[position + 1]?.startsWith(`${id}-`),
      );
      for (const [id, link] of links) {
        if (id === current) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }, { rootMargin: "-10% 0% -60% 0%" });
    for (const id of links.keys()) watcher.observe(document.getElementById(id));
    for (const link of links.values()) link.addEventListener("click", () => { if (!wide.matches) list.open = false; });
  }

  // Figures: pointing at a part, or focusing it, shows the chain of its gradient; choosing it leads to its derivation.
  function figures() {
    for (const svg of document.querySelectorAll("svg.figure")) {
      const parts = [...svg.querySelectorAll("[data-name]")];
      const names = (part) => [part.dataset.name, ...(part.dataset.also?.split(" ") ?? [])];
      const paths = new Map(parts.filter((part) => part.dataset.path).map((part) => [part.dataset.name, part.dataset.path.split(" ")]));
      // One stop of the keyboard for each quantity: at its node, else at its first edge, else at its label.
      const stops = new Map();
      for (const part of [...parts].sort((a, b) => rank(a) - rank(b))) {
        if (!stops.has(part.dataset.name)) stops.set(part.dataset.name, part);
      }
      const told = (name) => parts.filter((part) => part.localName === "text" && part.dataset.name === name)
        .map((part) => part.textContent).join(", ");
      const light = (chain) => {
        svg.classList.toggle("lit", chain.size > 0);
        for (const part of parts) part.classList.toggle("lit", names(part).some((name) => chain.has(name)));
      };
      for (const part of parts) {
        const chain = new Set([...names(part), ...(paths.get(part.dataset.name) ?? [])]);
        const place = names(part).flatMap((name) => [`gradient-${name}`, `value-${name}`]).find((id) => document.getElementById(id));
        const touched = part.localName === "path" ? [part, reach(part)] : [part];
        for (const one of touched) {
          one.addEventListener("pointerenter", () => light(chain));
          one.addEventListener("pointerleave", () => light(new Set()));
          if (!place) continue;
          one.classList.add("leads");
          one.addEventListener("click", () => { location.hash = place; goTo(place); });
        }
        if (stops.get(part.dataset.name) !== part) continue;
        svg.setAttribute("role", "group");
        part.setAttribute("role", place ? "link" : "img");
        part.setAttribute("tabindex", "0");
        part.setAttribute("aria-label", part.dataset.told || told(part.dataset.name) || part.dataset.name);
        part.addEventListener("focus", () => light(chain));
        part.addEventListener("blur", () => light(new Set()));
        part.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" || !place) return;
          event.preventDefault();
          location.hash = place;
          goTo(place);
        });
      }
    }
  }

  const rank = (part) => ({ path: 1, text: 2 })[part.localName] ?? 0;

  // A thin line is hard to point at; an unseen broad one lies below it.
  function reach(line) {
    const broad = line.cloneNode();
    for (const { name } of [...broad.attributes]) if (name !== "d") broad.removeAttribute(name);
    broad.setAttribute("class", "reach");
    line.before(broad);
    return broad;
  }

  // What scrolls sideways can be scrolled with the keyboard.
  const boxes = () => [...document.querySelectorAll(".display, .scroll, .picture")];
  function reachable(some) {
    const areWide = some.map((box) => box.scrollWidth > box.clientWidth);
    some.forEach((box, place) => {
      if (areWide[place]) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    });
  }

  function scrolling() {
    // After a frame its widths are known, and asking for them costs nothing.
    requestAnimationFrame(() => setTimeout(() => reachable(boxes())));
    addEventListener("resize", () => reachable(boxes()));
    // A formula off the screen is not drawn and has no width yet.
    for (const box of boxes()) {
      box.addEventListener("contentvisibilityautostatechange", ({ skipped }) => { if (!skipped) reachable([box]); });
    }
  }

  // Scripts that were packed may run when the page has been read already.
  function onceRead(run) {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", run);
    else run();
  }

  // What the scripts beside this one need of the page.
  (window.symbackprop ??= {}).page = { laidOut, setAll, show, onceRead };

  onceRead(() => {
    formulas();
    tools();
    contents();
    figures();
    scrolling();
    addEventListener("hashchange", () => goTo(asked()));
    goTo(asked());
  });
})();
