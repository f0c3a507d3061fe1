// The engine of a page without a page: reads what a page has with it and edits, writes the view of the page after each.
const { readFileSync } = require("fs");
const { engine, given, edits } = JSON.parse(readFileSync(0, "utf-8"));
globalThis.window = { symbackprop: { given } };
if (given.program) new Function(given.program)();
new Function(engine)();
const api = globalThis.window.symbackprop;
const found = edits.map((edit) => {
  let problem = api.stated;
  try {
    for (const [name, text] of edit) {
      const parts = name ? [[name, text]] : api.changes(api.solved(problem)); // "" is the update
      for (const part of parts) problem = api.edited(problem, ...part);
    }
    const start = performance.now();
    const { view, left } = api.view(api.solved(problem));
    return { view, left, milliseconds: performance.now() - start };
  } catch (error) {
    return { refused: String(api.reason(error)), stack: `${error?.constructor?.$title} ${JSON.stringify(error?.args ?? error?.what?.id ?? null)} ${error?.stack}`.slice(0, 2000) };
  }
});
process.stdout.write(JSON.stringify(found));
