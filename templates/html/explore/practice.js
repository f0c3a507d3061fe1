"use strict";
// Lines whose results are asked for before they are shown: one after the other (predict), or the last ones (faded).
(() => {
  const { surface, page } = window.symbackprop;
  const { state, fill, named, announce, draw, cut, empty, endOf, chains } = surface;
  const made = (kind) => document.createElement(kind);
  let data, form, hasFactors, undo = [], answered = new Map();

  const placeOf = (chain) => [chain, ...chain.querySelectorAll(".right[id]")].map((one) => one.id).find((id) => data.answers[id]);
  const asked = () => chains().filter((chain) => data && placeOf(chain));

  // The forms of a number that homework accepts too: 0.5, 0,5, .5, 1/3, −2e−3, 2·10^−3, 5×10⁻³.
  function numberOf(text) {
    const raised = text.replace(/10(?=[⁰¹²³⁴-⁹⁻⁺])/g, "10^").normalize("NFKC").replace(/[−–]/g, "-");
    const plain = raised.replace(/\s+/g, "").replace(/(\d|^|[-+/]),(?=\d)/g, "$1.");
    const decimal = "(?:\\d+\\.?\\d*|\\.\\d+)", power = "(?:[eE][-+]?\\d+|[*·×⋅x]10(?:\\^|\\*\\*)[({]?[-+]?\\d+[)}]?)?";
    const found = new RegExp(`^([-+]?)(${decimal}${power})(?:/(${decimal}${power}))?$`).exec(plain);
    if (!found) return NaN;
    const [over, under] = [found[2], found[3] ?? "1"].map((one) => Number(one.replace(/[*·×⋅x]10(?:\^|\*\*)[({]?([-+]?\d+)[)}]?/, "e$1")));
    return ((found[1] === "-" ? -1 : 1) * over) / under;
  }

  // Right, or what one row of mistakes explains, or only not right.
  function verdictOf(text, { bounds, mistakes }) {
    const value = numberOf(text);
    if (!Number.isFinite(value)) return { kind: "unread" };
    const [least, most] = bounds.map(Number);
    if (least <= value && value <= most) return { kind: "right" };
    const half = (most - least) / 2, size = Math.abs(most + least) / 2;
    const rows = new Set(mistakes.flatMap(([wrong, row]) => {
      const room = half * Math.max(1, size ? Math.abs(wrong) / size : 1);
      return Math.abs(value - Number(wrong)) <= room ? [row] : [];
    }));
    return rows.size === 1 ? { kind: "mistake", mistake: data.mistakes[[...rows][0]] } : { kind: "wrong" };
  }

  // The formula of a line without its numbers: what stands before the second relation.
  function formulaOf(tex) {
    let depth = 0;
    for (const found of tex.matchAll(/\\[a-zA-Z]+|\\.|[{}()[\]=]/g)) {
      if (/[{([]/.test(found[0]) || found[0] === "\\begin") depth += 1;
      else if (/^[})\]]/.test(found[0]) || found[0] === "\\end") depth -= 1;
      else if (!depth && found.index > 1 && /^(=|\\approx)$/.test(found[0])) {
        const part = tex.slice(0, found.index).trim();
        return /\\[fb]wd|\d\.\d/.test(part) ? "" : part;
      }
    }
    return "";
  }

  function shown(tex, isDisplayed = false) {
    const whole = made("span"), spoken = made("span");
    const set = page.laidOut(tex, isDisplayed);
    try {
      katex.render(tex, spoken, { output: "mathml", throwOnError: true, strict: "ignore" });
      spoken.firstChild.className = "katex-mathml";
      set?.prepend(spoken.firstChild);
    } catch { /* It is seen all the same. */ }
    whole.append(set ?? tex);
    return whole;
  }

  const say = (name, parts = {}) => fill(form.querySelector(".verdict").dataset[name], parts);

  function take(element) {
    const rest = document.createDocumentFragment();
    rest.append(...element.childNodes);
    undo.push(() => element.replaceChildren(rest));
  }

  function tell(chain, { text, kind, mistake }) {
    const verdict = made("p");
    verdict.className = `verdict is-${kind === "right" ? "right" : kind === "changed" ? "open" : "wrong"}`;
    verdict.textContent = say(kind, { value: text, mistake });
    chain.append(verdict);
    undo.push(() => verdict.remove());
    return verdict.textContent;
  }

  function choices(fieldset, options, place) {
    const order = options.map((each, number) => [...each, number]).sort(([one], [other]) => (one < other ? -1 : 1));
    for (const [tex, words, number] of order) {
      const label = made("label"), button = made("input");
      button.type = "radio";
      button.name = `${fieldset.dataset.ask}-${place}`;
      button.value = number;
      button.setAttribute("aria-label", words);
      label.append(button, " ", shown(tex));
      fieldset.append(label);
    }
  }

  // A line with a field where its result will be.
  function blank(chain, asksFactor) {
    const place = placeOf(chain), answer = data.answers[place];
    const [first, ...others] = chain.querySelectorAll(".line");
    const right = first.querySelector(".right");
    const part = formulaOf(right.querySelector("annotation")?.textContent ?? "");
    const own = form.cloneNode(true), field = own.querySelector("input"), verdict = own.querySelector(".verdict");
    const spoken = first.querySelector(".left math")?.getAttribute("aria-label") ?? place;
    field.setAttribute("aria-label", fill(field.getAttribute("aria-label"), { symbol: spoken }));
    others.forEach((line) => { take(line); line.hidden = true; undo.push(() => { line.hidden = false; }); });
    take(right);
    first.querySelectorAll(".reason, .remark").forEach(take);
    const isFactor = asksFactor && answer.factor;
    if (isFactor) {
      const { before, factors, reasons } = answer.factor;
      own.querySelector(".asked").hidden = false;
      right.append(shown(`= ${part.includes("+") ? "\\ldots + " : ""}${before} \\cdot \\square`, true));
      choices(own.querySelector("[data-ask=factors]"), factors, place);
      choices(own.querySelector("[data-ask=reasons]"), reasons, place);
    } else if (part) right.append(shown(part, true));
    right.append(own);
    const finish = (outcome) => {
      answered.set(place, outcome);
      draw();
      const told = chain.querySelector(".verdict")?.textContent;
      if (told) announce(told);
      chain.focus({ preventScroll: true });
    };
    own.addEventListener("submit", (event) => {
      event.preventDefault();
      if (isFactor) {
        const wrong = ["factors", "reasons"].find((name) => own.querySelector(`[data-ask=${name}] input:checked`)?.value !== "0");
        if (wrong) {
          verdict.textContent = say(wrong === "factors" ? "factor" : "reason");
          verdict.className = "verdict is-wrong";
          return;
        }
      }
      const text = field.value.trim(), outcome = state.edits.size ? { kind: "changed" } : verdictOf(text, answer);
      if (outcome.kind !== "unread") return finish({ ...outcome, text });
      verdict.textContent = say("unread");
      verdict.className = "verdict is-wrong";
      field.setAttribute("aria-invalid", "true");
      field.focus();
    });
    own.addEventListener("keydown", (event) => { if (event.key === "Escape") chain.focus({ preventScroll: true }); });
    own.querySelector("[data-answer=reveal]").addEventListener("click", () => finish(null));
    return field;
  }

  // Of a page whose last lines are blank everything behind the first of them is absent that is not asked for.
  function fade() {
    const lines = asked().filter((chain) => data.answers[placeOf(chain)].factor || !hasFactors).slice(-state.faded);
    const open = lines.filter((chain) => !answered.has(placeOf(chain)));
    lines.filter((chain) => answered.get(placeOf(chain))).forEach((chain) => tell(chain, answered.get(placeOf(chain))));
    if (!open.length) return;
    cut(endOf(lines.at(-1)), true);
    const kept = new Set(lines);
    const main = document.getElementById("solution");
    for (const one of main.querySelectorAll(".chain, .scroll, figure, .note, p, ul, ol, dl")) {
      const isBehind = lines[0].compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
      if (!isBehind || kept.has(one) || one.closest(".answer") || [...kept].some((line) => line.contains(one))) continue;
      const mark = document.createComment("");
      one.replaceWith(mark);
      undo.push(() => mark.replaceWith(one));
    }
    const places = new Set(open.map(placeOf));
    empty((id) => places.has(id));
    open.forEach((chain) => blank(chain, true));
    if (!lines.some((chain) => answered.has(placeOf(chain)))) page.show(open[0]);
  }

  function stepped() {
    const { mode } = state, count = named("faded");
    count.hidden = mode !== "faded";
    count.querySelector("input").value = state.faded;
    if (!data) return;
    if (mode === "faded") fade();
    if (mode !== "predict") return;
    const chain = chains()[state.step - 1];
    if (!chain || !placeOf(chain)) return;
    if (answered.has(placeOf(chain))) {
      if (answered.get(placeOf(chain))) tell(chain, answered.get(placeOf(chain)));
      return;
    }
    const place = placeOf(chain);
    empty((id) => id === place);
    const field = blank(chain, false);
    requestAnimationFrame(() => { if (field.isConnected && document.activeElement?.closest(".chain, body")) field.focus({ preventScroll: true }); });
  }

  surface.started.push(() => {
    const text = document.getElementById("explore-practice")?.content.textContent;
    if (!text) return;
    data = JSON.parse(text);
    hasFactors = asked().some((chain) => data.answers[placeOf(chain)].factor);
    form = document.getElementById("explore-answer").content.querySelector("form");
    const count = named("faded").querySelector("input");
    count.addEventListener("change", () => {
      answered = new Map();
      window.symbackprop.mode(`faded ${Math.max(1, Math.trunc(Number(count.value)) || 1)}`);
    });
  });
  surface.undone.push(() => {
    undo.reverse().forEach((part) => part());
    undo = [];
  });
  surface.stepped.push(stepped);
  surface.reset.push(() => { answered = new Map(); });
})();
