"use strict";
// A number of the problem changed: the engine, which is in the page packed, computes the whole page anew, and what has
// become different is put in its place. It is unpacked when the first number is changed.
(() => {
  const api = (window.symbackprop ??= {});
  let engine, problem, solved, view, places, original;

  async function start() {
    api.given = JSON.parse(await api.unpacked("given-numbers"));
    if (api.given.program) api.run(api.given.program);
    api.run(await api.unpacked("engine"));
    problem = api.stated;
    const solution = api.solved(problem);
    ({ view } = api.view(solution));
    original = { problem, view, solution };
    solved = solution;
  }
  const ready = () => (engine ??= start());
  api.ready = ready;

  // --- views of blocks as elements: what document.jinja writes

  const here = (place) => (place ? `<a class="here" href="#${place}" aria-label="${api.given.link}"></a>` : "");
  const linked = (cell, place) => (place ? `<a class="there" href="#${place}">${cell}</a>` : cell);
  const anchored = (place) => (place ? ` id="${place}" tabindex="-1"` : "");
  const marked = (kind, name) => (name ? ` data-${kind}="${name}"` : "");
  const numeric = (is) => (is ? ' class="numeric"' : "");

  function display(block) {
    const isReasoned = block.lines.some((line) => line.cells.some((cell) => cell.reason));
    const columns = block.columns > 1;
    let text = `<div class="display${columns ? " side-by-side" : ""}${isReasoned ? " reasoned" : ""}" style="--lines: ${block.lines.length}${columns ? `; --columns: ${block.columns}` : ""}">`;
    block.lines.forEach((line, place) => {
      const [first] = line.cells, isOne = line.cells.length === 1, opens = !place || block.lines[place - 1].closes;
      if (opens) text += `<div class="chain"${isOne ? anchored(first.anchor) : ""}>`;
      text += `<div class="line">${isOne && opens ? here(first.anchor) : ""}`;
      for (const cell of line.cells) {
        text += `<div class="left">${cell.left}</div><div class="right"${isOne ? "" : anchored(cell.anchor)}${marked("value", cell.result)}>${cell.right}${isOne ? "" : here(cell.anchor)}</div>`;
        if (cell.reason) text += `<div class="reason">${cell.reason}</div>`;
        if (cell.remark) text += `<div class="remark">${cell.remark}</div>`;
      }
      text += line.closes ? "</div></div>" : "</div>";
    });
    return `${text}</div>`;
  }

  function table(block) {
    const head = block.header.map((cell, place) => `<th scope="col"${numeric(block.numeric[place])}>${cell}</th>`).join("");
    const rows = block.rows.map((row, place) => row.map((cell, column) => {
      const kind = column ? "td" : "th", inner = linked(cell, block.links[place][column]);
      return `<${kind}${column ? "" : ' scope="row"'}${numeric(block.numeric[column])}${marked("name", block.given[place][column])}${marked("value", block.results[place][column])}>${inner}</${kind}>`;
    }).join(""));
    return `<div class="scroll"${block.fits > 1 ? ` style="--beside: ${block.fits}"` : ""}><table><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => `<tr>${row}</tr>`).join("")}</tbody></table></div>`;
  }

  const WRITERS = {
    paragraph: (block) => `<p>${block.text}</p>`,
    heading: (block) => `<p class="chain-heading">${block.text}</p>`,
    listing: (block) => { const kind = block.numbered ? "ol" : "ul"; return `<${kind}>${block.entries.map((item) => `<li>${item}</li>`).join("")}</${kind}>`; },
    table, display,
    note: (block) => `<div class="note of-${block.about}" role="note"><p><b>${block.label}</b> ${block.text}</p></div>`,
    terms: (block) => `<dl class="terms">${block.entries.map(([term, symbol, meaning]) => `<dt>${term}${symbol ? ` <span class="symbol">${symbol}</span>` : ""}</dt><dd>${meaning}</dd>`).join("")}</dl>`,
    figure: (block) => `<figure><div class="picture">${block.svg ?? ""}</div><figcaption>${block.caption}</figcaption></figure>`,
  };

  function made(block) {
    const place = document.createElement("template");
    place.innerHTML = WRITERS[block.kind](block);
    return place.content.firstElementChild;
  }

  function set(element) {
    if (!api.page || !window.katex) return;
    for (const math of element.querySelectorAll("math")) {
      if (math.closest(".katex")) continue;
      const found = api.page.laidOut(math.querySelector("annotation").textContent, math.getAttribute("displaystyle") === "true");
      if (!found) continue;
      const spoken = document.createElement("span");
      spoken.className = "katex-mathml";
      math.replaceWith(found);
      spoken.append(math);
      found.prepend(spoken);
    }
  }

  // --- the page brought up to a view

  const sectionsOf = (holder) => [...holder.children].filter((each) => each.tagName === "SECTION");

  // What Python alone computes is on the page and in no view: remarks, and pictures of libraries, whose blocks have no drawing.
  const isDrawnElsewhere = (block) => block.kind === "figure" && block.svg == null;
  const elsewhere = new Set();

  function located(sections, elements) {
    return sections.map((section, place) => {
      const element = elements[place], inner = element.querySelector(":scope > details");
      const blocks = blocksOf(element, section.blocks), drawn = blocks.filter((one) => elsewhere.has(one));
      return { element, inner, blocks, drawn, sections: located(section.sections, sectionsOf(inner)) };
    });
  }

  // The elements of a section's blocks, in their order: between its heading and the sections inside it.
  function blocksOf(section, blocks) {
    const elements = [...section.querySelector(":scope > details").children].filter((each) => !["SUMMARY", "SECTION"].includes(each.tagName));
    const found = elements.length === blocks.length ? elements : paired(elements, blocks);
    elements.forEach((element) => { if (!found.includes(element)) elsewhere.add(element); });
    found.forEach((element, place) => { if (isDrawnElsewhere(blocks[place])) elsewhere.add(element); });
    return found;
  }

  // Of more elements than blocks each block has the first one behind those before it that says the same.
  function paired(elements, blocks) {
    let at = 0;
    return blocks.map((block, place) => {
      const wanted = said(made(block)), last = elements.length - (blocks.length - place);
      while (at < last && said(elements[at]) !== wanted) at += 1;
      return elements[at++];
    });
  }

  // The words and formulas of an element, whether its formulas are set or not.
  function said(element) {
    const copy = element.cloneNode(true);
    for (const part of copy.querySelectorAll(".katex-html, .picture, .of-the-file")) part.remove();
    return copy.textContent.replace(/\s+/g, "");
  }

  // It stays as it is, and says after a change whose numbers it has.
  function markElsewhere(isChanged) {
    for (const element of elsewhere) {
      element.querySelector(".of-the-file")?.remove();
      if (!isChanged) continue;
      const mark = document.createElement("strong");
      mark.className = "of-the-file";
      mark.textContent = api.given.of_the_file;
      (element.querySelector("figcaption, p") ?? element).prepend(mark, " ");
    }
  }

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  function renew(element, text, changed) {
    element.innerHTML = text;
    set(element);
    changed.push(element);
  }

  // A line keeps its element where only its numbers are others: the page does not jump, and what watches a line still does.
  function bringLines(element, old, block, changed) {
    const lines = [...element.querySelectorAll(".line")];
    if (lines.length !== block.lines.length || old.columns !== block.columns) return false;
    const alike = block.lines.every((line, place) => {
      const before = old.lines[place];
      return line.closes === before.closes && line.cells.length === before.cells.length && line.cells.every((cell, column) => ["anchor", "result", "reason", "remark"].every((key) => cell[key] === before.cells[column][key]));
    });
    if (!alike) return false;
    block.lines.forEach((line, place) => line.cells.forEach((cell, column) => {
      for (const side of ["left", "right"]) {
        if (cell[side] === old.lines[place].cells[column][side]) continue;
        const isOne = line.cells.length === 1;
        renew(lines[place].querySelectorAll(`:scope > .${side}`)[column], cell[side] + (side === "right" && !isOne ? here(cell.anchor) : ""), changed);
      }
    }));
    return true;
  }

  function bringTable(element, old, block, changed) {
    if (old.rows.length !== block.rows.length || !same(old.header, block.header) || !same(old.links, block.links)) return false;
    const rows = element.querySelectorAll("tbody > tr");
    block.rows.forEach((row, place) => row.forEach((cell, column) => {
      if (cell !== old.rows[place][column]) renew(rows[place].children[column], linked(cell, block.links[place][column]), changed);
    }));
    return true;
  }

  const FINE = { display: bringLines, table: bringTable };

  function bring(found, old, section, changed) {
    if (old.blocks.length === section.blocks.length) {
      section.blocks.forEach((block, place) => {
        const before = old.blocks[place], element = found.blocks[place];
        if (same(before, block) || (isDrawnElsewhere(before) && isDrawnElsewhere(block))) return;
        if (before.kind === block.kind && FINE[block.kind]?.(element, before, block, changed)) return;
        replace(found, place, block, changed);
      });
    } else {
      const heading = found.inner.querySelector(":scope > summary");
      const kept = [...found.drawn];
      for (const element of found.blocks) element.remove();
      found.blocks = section.blocks.map((block) => (isDrawnElsewhere(block) && kept.shift()) || made(block));
      heading.after(...found.blocks);
      found.blocks.forEach(set);
      changed.push(...found.blocks);
    }
    section.sections.forEach((inner, place) => bring(found.sections[place], old.sections[place], inner, changed));
  }

  function replace(found, place, block, changed) {
    const element = made(block);
    found.blocks[place].replaceWith(element);
    found.blocks[place] = element;
    set(element);
    changed.push(element);
  }

  const outline = (sections) => sections.map((each) => [each.title, outline(each.sections)]);

  function bringAll(next, left) {
    const main = document.getElementById("solution");
    places ??= located(original.view.sections, sectionsOf(main));
    if (!same(outline(view.sections), outline(next.sections))) throw new Error(api.given.outline);
    const changed = [], before = view.loss;
    next.sections.forEach((section, place) => bring(places[place], view.sections[place], section, changed));
    view = next;
    main.dataset.notRecomputed = left;
    note(main, left);
    markElsewhere(next !== original.view);
    const detail = { changed, loss_before: before, loss_after: view.loss, not_recomputed: left };
    document.dispatchEvent(new CustomEvent("symbackprop:changed", { detail }));
    return detail;
  }

  // What cannot be computed here is taken away, and the page says how much that is.
  function note(main, left) {
    main.querySelector(":scope > .not-recomputed")?.remove();
    if (!left) return;
    const said = document.createElement("p");
    said.className = "not-recomputed";
    said.textContent = api.given.missing.replace("{count}", left);
    main.prepend(said);
  }

  // What went wrong is said, and nothing is changed.
  async function changed(edit) {
    await ready();
    let next, solution, found, drawn = [];
    try {
      next = edit(problem);
      solution = api.solved(next);
      drawn = picture(solution);
      await frame();
      found = api.view(solution);
    } catch (error) {
      for (const [node, before] of drawn) node.data = before;
      throw new Error(api.reason(error));
    }
    const detail = bringAll(found.view, found.left);
    [problem, solved] = [next, solution];
    return detail;
  }

  // A number by the name of its field, as text of the problem file.
  api.set = (name, text) => changed((of) => api.edited(of, name, String(text)));
  // The update: the page is that of the parameters after it, which are given by name as `edits`.
  api.update = async () => {
    await ready();
    const edits = api.changes(solved);
    if (!edits.length) throw new Error(api.given.no_update);
    return { ...await changed((of) => edits.reduce((one, [name, text]) => api.edited(one, name, text), of)), edits };
  };
  api.reset = async () => {
    await ready();
    [problem, solved] = [original.problem, original.solution];
    return bringAll(original.view, 0);
  };

  // The numbers in pictures are there within a frame: what else depends on a number takes longer. One that is written as a
  // power of ten, or needs another place, comes with the rest.
  function picture(solution) {
    const texts = [...document.querySelectorAll("#solution svg.figure text[data-name]")].filter((text) =>
      /^\u2212?[\d.]+$/.test(text.lastChild?.data ?? "") && (text.matches(".forward, .backward") || text.firstElementChild));
    const numbers = api.pictured(solution, texts.map((text) => text.dataset.name));
    const drawn = [];
    const put = (node, text) => { drawn.push([node, node.data]); node.data = text; };
    texts.forEach((text, place) => {
      const number = numbers[place][Number(text.matches(".backward"))].replace("-", "\u2212");
      if (!number || text.lastChild.data === number) return;
      put(text.lastChild, number);
      // Whether it is rounded is known with the rest: until then it is about this.
      const sign = text.lastElementChild;
      if (sign?.textContent === " = ") put(sign.firstChild, " \u2248 ");
    });
    return drawn;
  }

  // Once what is there is shown; a page that nobody looks at has no frames.
  const frame = () => new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); setTimeout(done, 60); });

  const texOf = (element) => element?.querySelector('annotation[encoding="application/x-tex"]')?.textContent ?? "";
  // The lines on the page in their order; those of a chain have its anchor.
  api.lines = () => [...document.querySelectorAll("#solution .line")].flatMap((line) => {
    const lefts = line.querySelectorAll(":scope > .left");
    return [...line.querySelectorAll(":scope > .right")].map((right, place) => ({
      anchor: right.id || line.closest(".chain")?.id || "", tex: [texOf(lefts[place]), texOf(right)].filter(Boolean).join(" "),
    }));
  });
})();
