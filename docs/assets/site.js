"use strict";
// Formulas are set by the KaTeX that the pages of solutions have, too.
for (const place of document.querySelectorAll(".arithmatex")) {
  const tex = place.textContent.trim().replace(/^\\[[(]|\\[\])]$/g, "");
  katex.render(tex, place, { displayMode: true, throwOnError: false });
}
