"use strict";
// The numbers that the problem gives, as fields: in the tables, and in the first picture.
(() => {
  const api = window.symbackprop, { surface } = api;
  const { state } = surface;
  const GIVEN = "button.given", SHOWN = 1600; // milliseconds for which a changed number is marked
  let main, editor, field, fault, open = null, waiting = Promise.resolve();
  const newest = new Map(); // of the changes that wait, by name

  const texOf = (element) => element?.querySelector("annotation")?.textContent ?? "";

  // What a printed number is called in a problem file: \frac{1}{3} is 1/3, 1.5 \cdot 10^{-3} is 1.5e-3.
  function textOf(tex) {
    const plain = tex.replace(/\\[fb]wd\{(.*)\}/, "$1").replace(/\\approx|\\,|[\s]/g, "")
      .replace(/\\frac\{([^{}]*)\}\{([^{}]*)\}/g, "$1/$2").replace(/\\(?:ln|operatorname\{ln\})\(?\{?([^{}()]*)\}?\)?/g, "ln($1)")
      .replace(/\\cdot10\^\{([^{}]*)\}/, "e$1").replace(/[{}]/g, "");
    return /\\/.test(plain) ? "" : plain;
  }

  // Another number as many units of its last place away, or of the last that is printed; a fraction moves by its numerator.
  function moved(text, units, finer, printed = Infinity) {
    const fraction = /^([-+]?\d+)\/(\d+)$/.exec(text);
    if (fraction) return finer ? text : `${BigInt(fraction[1]) + BigInt(units)}/${fraction[2]}`;
    const found = /^([-+]?)(\d*)\.?(\d*)(?:e([-+]?\d+))?$/i.exec(text);
    if (!found || !(found[2] + found[3])) return text;
    const decimals = found[3].length - Number(found[4] ?? 0);
    const last = Math.min(decimals, printed), places = Math.max(decimals, last + (finer ? 1 : 0), 0);
    let scaled = BigInt(found[2] + found[3]) * 10n ** BigInt(places - decimals);
    if (found[1] === "-") scaled = -scaled;
    scaled += BigInt(units) * 10n ** BigInt(places - last - (finer ? 1 : 0));
    const digits = String(scaled < 0n ? -scaled : scaled).padStart(places + 1, "0");
    const cut = digits.length - places;
    return `${scaled < 0n ? "-" : ""}${digits.slice(0, cut)}${places ? `.${digits.slice(cut)}` : ""}`;
  }

  // The loss as the page prints it: the last number of its line.
  function loss() {
    const lines = [...main.querySelectorAll("[data-part=loss] .chain[id^=value-], [data-part=forward] .chain[id^=value-]")];
    const tex = [...(lines.at(-1)?.querySelectorAll("annotation") ?? [])].map((one) => one.textContent).join(" ");
    const found = [...tex.matchAll(/(-?\d+(?:\.\d+)?)(?: \\cdot 10\^\{(-?\d+)\})?/g)].at(-1);
    return found ? Number(`${found[1]}e${found[2] ?? 0}`).toPrecision(4) : "";
  }

  // The losses of updates that follow each other, as a curve.
  let losses = [];
  function curve(found) {
    losses = found;
    const drawn = surface.named("losses");
    if (!drawn) return;
    const low = Math.min(...losses), high = Math.max(...losses);
    drawn.hidden = losses.length < 2;
    const at = (one, place) => [3 + (74 * place) / Math.max(losses.length - 1, 1), 21 - (18 * (one - low)) / (high - low || 1)];
    drawn.querySelector("polyline").setAttribute("points", losses.map((one, place) => at(one, place).join()).join(" "));
    drawn.setAttribute("aria-label", surface.fill(drawn.dataset.label, { losses: losses.map((one) => Number(one.toPrecision(4))).join(", ") }));
  }

  async function update(engine) {
    const detail = await made(engine, (found) => found.edits.forEach(([name, text]) => state.edits.set(name, text)));
    curve([...(losses.at(-1) === detail.loss_before ? losses : [detail.loss_before]), detail.loss_after]);
    return detail;
  }

  // Changes come one after the other; of those of a number that wait only the last is made.
  function change(name, text) {
    newest.set(name, text);
    return queued(async () => {
      if (newest.get(name) !== text) return null;
      newest.delete(name);
      return made(() => change.engine(name, text), () => state.edits.set(name, text));
    });
  }

  function queued(work) {
    const done = waiting.then(work);
    waiting = done.catch(() => null);
    return done;
  }

  // All lines are in the page while it is brought up to other numbers.
  async function made(compute, keep) {
    const before = loss(), looked = lookedAt();
    surface.restore();
    try {
      const detail = await compute();
      keep(detail);
      surface.edited.forEach((part) => part());
      tell(detail, before);
      return detail;
    } finally {
      surface.draw();
      fields();
      const [element, top] = looked.find(([each]) => each.isConnected) ?? [];
      if (element) scrollBy({ top: element.getBoundingClientRect().top - top, behavior: "instant" });
    }
  }

  // What is on the screen, with its places: it stays there, whatever grows or shrinks above it.
  function lookedAt() {
    const points = [0.2, 0.4, 0.6, 0.8].map((part) => document.elementFromPoint(innerWidth / 2, innerHeight * part));
    return [document.activeElement, ...points]
      .map((element) => element?.closest("#solution :is(summary, .line, figure, table, p)"))
      .filter(Boolean)
      .map((element) => [element, element.getBoundingClientRect().top])
      .filter(([, top]) => top >= 0 && top < innerHeight);
  }

  const linesOf = (element) => (element.closest?.(".line") ? [element.closest(".line")] : [...(element.querySelectorAll?.(".line") ?? [])]);

  function tell(detail, before) {
    const changed = Array.isArray(detail?.changed) ? detail.changed : [];
    const count = Array.isArray(detail?.changed) ? new Set(changed.flatMap(linesOf)).size : Number(detail?.changed ?? 0);
    const said = editor.dataset[count === 1 ? "one" : "many"];
    surface.announce(surface.fill(said, { count, before, after: loss() }));
    for (const element of changed) {
      element.classList?.add("renewed");
      setTimeout(() => element.classList?.remove("renewed"), SHOWN);
    }
  }

  // A given number becomes a button, which the reader opens; what is computed anew gets its own again.
  function fields() {
    for (const cell of main.querySelectorAll("td[data-name]")) {
      if (cell.querySelector(GIVEN) || !cell.childNodes.length) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "given";
      button.append(...cell.childNodes);
      cell.append(button);
      const row = cell.closest("tr"), head = cell.closest("table").querySelectorAll("thead th")[cell.cellIndex];
      const words = (element) => element?.querySelector("math")?.getAttribute("aria-label") ?? element?.textContent.trim() ?? "";
      const own = words(row.cells[0]), column = head?.querySelector("math") ? `${words(head)}, ${own}` : own;
      button.setAttribute("aria-label", surface.fill(editor.dataset.label, { symbol: column, value: words(button) }));
      cell.classList.toggle("edited", state.edits.has(cell.dataset.name));
    }
  }

  const cellOf = (name) => main.querySelector(`td[data-name="${CSS.escape(name)}"]`);
  const nameAt = (target) => target.closest?.("td[data-name]")?.dataset.name
    ?? [target.closest?.("svg.figure text[data-name]")?.dataset.name].find((name) => name && cellOf(name));

  function edit(name, at) {
    if (open) close(false);
    api.ready?.(); // While something is typed.
    const shown = textOf(texOf(cellOf(name)));
    const text = state.edits.get(name) ?? surface.given().get(name) ?? shown;
    const printed = text.length > shown.length ? /\.(\d+)$/.exec(shown)?.[1].length : undefined;
    open = { name, at, first: text, isChanged: state.edits.has(name), printed };
    const box = at.getBoundingClientRect();
    editor.hidden = false;
    editor.style.top = `${Math.max(0, box.top + scrollY - 6)}px`;
    editor.style.left = `${Math.max(4, Math.min(box.left + scrollX - 8, innerWidth - editor.offsetWidth - 8))}px`;
    field.value = text;
    field.setAttribute("aria-label", at.closest("td")?.querySelector(GIVEN)?.getAttribute("aria-label") ?? name);
    fault.textContent = "";
    field.removeAttribute("aria-invalid");
    field.focus({ preventScroll: true });
    field.select();
  }

  function close(takesFocus = true) {
    const { name, at } = open;
    open = null;
    editor.hidden = true;
    if (takesFocus) focus(name, at);
  }

  function focus(name, at) {
    const target = at.isConnected ? at.closest("td")?.querySelector(GIVEN) ?? at : cellOf(name)?.querySelector(GIVEN);
    target?.focus({ preventScroll: true });
  }

  // Nothing changes where a value cannot be read: what is wrong with it stands below the field.
  async function commit(staysOpen) {
    const { name } = open, text = field.value.trim();
    const known = state.edits.get(name) ?? open.first;
    const wrong = text === known ? "" : await change(name, text).then(() => "", (error) => error?.message || String(error));
    if (!open) return;
    fault.textContent = wrong;
    field.toggleAttribute("aria-invalid", Boolean(wrong));
    if (wrong) field.focus({ preventScroll: true });
    else if (!staysOpen) close();
  }

  async function back() {
    const { name, first, isChanged } = open;
    const wasChanged = state.edits.has(name) && state.edits.get(name) !== first;
    const { at } = open;
    close();
    if (!wasChanged) return;
    await change(name, first);
    if (!isChanged) state.edits.delete(name);
    fields();
    surface.edited.forEach((part) => part());
    focus(name, at);
  }

  const STEPS = { ArrowUp: [1, false], ArrowDown: [-1, false], PageUp: [10, false], PageDown: [-10, false] };

  function typed(event) {
    if (event.key === "Escape") { event.preventDefault(); back(); return; }
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const isFiner = event.shiftKey && event.key.startsWith("Arrow");
    field.value = moved(field.value.trim(), step[0], isFiner, open.printed);
    commit(true);
  }

  // A place of its own in the addresses of numbers: w5 where no other number is called so.
  function aliases() {
    const found = new Map(), twice = new Set();
    for (const cell of main.querySelectorAll("td[data-name]")) {
      const name = cell.dataset.name, alias = texOf(cell.parentElement.cells[0]).replace(/\\|[^A-Za-z0-9]/g, "");
      if (!alias || !/^[A-Za-z]/.test(alias) || name.includes("@")) continue;
      if (found.has(alias) && found.get(alias) !== name) twice.add(alias);
      found.set(alias, name);
    }
    twice.forEach((alias) => found.delete(alias));
    return found;
  }

  surface.started.push(() => {
    editor = surface.named("editor");
    if (!api.set || !editor) return;
    main = document.getElementById("solution");
    [field, fault] = [editor.querySelector("input"), editor.querySelector(".fault")];
    change.engine = api.set;
    api.set = (name, text) => change(name, String(text));
    const { reset } = api;
    api.reset = () => queued(() => made(reset, () => state.edits.clear()).finally(() => curve([])));
    const engine = api.update;
    api.update = () => queued(() => update(engine));
    surface.actions.update = () => api.update().catch((error) => surface.announce(error?.message || String(error)));
    surface.keys.n = surface.keys.N = "update";
    surface.aliases = aliases();
    fields();
    main.addEventListener("click", (event) => {
      const name = nameAt(event.target);
      if (!name) return;
      event.preventDefault();
      event.stopPropagation();
      edit(name, event.target.closest("td, text"));
    }, true);
    main.addEventListener("keydown", (event) => {
      const name = event.key === "F2" && event.target.dataset?.name;
      if (name && cellOf(name)) { event.preventDefault(); edit(name, event.target); }
    });
    editor.addEventListener("submit", (event) => { event.preventDefault(); commit(false); });
    field.addEventListener("keydown", typed);
    field.addEventListener("blur", () => { if (open && !editor.contains(document.activeElement)) commit(false); });
  });
})();
