// The style sheet of the page. Colours are named once, for light and for dark; every text has at
// least 4.5:1 against its ground (WCAG 2.2 AA), and no colour says what a shape or a word does not.
#include "cli/report/diff/diff_html_parts.h"

namespace hallmark {

const std::string_view kDiffHtmlStyle = R"css(
:root {
  --page: #fdfdfb; --panel: #f5f5f1; --line: #dcdcd5; --ink: #1b1e22; --soft: #565c64;
  --link: #1d4f91; --focus: #1d4f91; --shade: #ecece6;
  --equal: #17653a; --related: #0d5f70; --different: #a3221b; --unknown: #7a4b00; --only: #5b3f8f;
  --h0: #f6ead0; --h1: #f5dcae; --h2: #f4cb8b; --h3: #f2b66b; --h4: #ec9d55; --h5: #e2824a;
  --h6: #d26548; --h7: #b94a50; --h8: #983758; --h9: #74285a; --h10: #4f1c52; --h11: #2c103c;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14161a; --panel: #1b1e23; --line: #353a42; --ink: #e7e6e2; --soft: #a6acb5;
    --link: #8ab8f5; --focus: #8ab8f5; --shade: #252a31;
    --equal: #72cf9a; --related: #6cc8d8; --different: #ff958a; --unknown: #e9b95e; --only: #bda5f0;
    --h0: #3a2a4e; --h1: #4d2f60; --h2: #64346e; --h3: #7e3a76; --h4: #994276; --h5: #b34e70;
    --h6: #ca5f66; --h7: #dc755c; --h8: #ea9058; --h9: #f2ae62; --h10: #f6cc80; --h11: #faeab4;
  }
}
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
html { scroll-padding-top: 3.2rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans",
    sans-serif;
  font-variant-numeric: tabular-nums;
}
body > header, main, footer, nav.sections ul {
  max-width: 88rem; margin: 0 auto; padding: 0 1.5rem;
}
a { color: var(--link); text-underline-offset: 0.15em; }
code { font: 0.86em/1.45 var(--mono); overflow-wrap: anywhere; unicode-bidi: isolate; }
small { color: var(--soft); font-size: 0.86em; font-weight: 400; }
em { color: var(--soft); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
main:focus { outline: none; }
.skip {
  position: absolute; left: -99rem; padding: 0.5rem 1rem; background: var(--page); z-index: 9;
}
.skip:focus { left: 0.5rem; top: 0.5rem; }
.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}

/* The verdict */
.verdict {
  display: flex; gap: 1.5rem; align-items: flex-start; padding-top: 2.25rem !important;
  padding-bottom: 1.5rem !important;
}
.verdict .sign {
  flex: none; margin: 0; width: 5rem; height: 5rem; display: grid; place-items: center;
  font: 300 3.25rem/1 system-ui, sans-serif; color: var(--tone);
  border: 2px solid var(--tone); border-radius: 50%;
}
.v-equal { --tone: var(--equal); }
.v-related { --tone: var(--related); }
.v-different { --tone: var(--different); }
.v-unknown { --tone: var(--unknown); }
.v-different .sign { border-radius: 4px; }
.v-unknown .sign { border-style: dashed; border-radius: 4px; }
.verdict h1 {
  margin: 0; font-size: 2rem; line-height: 1.15; font-weight: 650; color: var(--tone);
  letter-spacing: -0.015em;
}
.verdict .tool {
  margin: 0 0 0.2rem; color: var(--soft); font-size: 0.8rem; letter-spacing: 0.02em;
}
.verdict .summary {
  margin: 0.4rem 0 0; font-size: 1.1rem; max-width: 60rem; overflow-wrap: anywhere;
}
.verdict .hint {
  margin: 0.3rem 0 0; color: var(--soft); max-width: 60rem; overflow-wrap: anywhere;
}
.verdict .sides { margin: 0.7rem 0 0; display: flex; flex-wrap: wrap; gap: 0.2rem 1.75rem; }
.sides b { color: var(--soft); margin-right: 0.3rem; }

nav.sections {
  position: sticky; top: 0; z-index: 5; background: var(--page);
  border-bottom: 1px solid var(--line); border-top: 1px solid var(--line);
}
nav.sections ul {
  list-style: none; display: flex; gap: 0 1.4rem; overflow-x: auto; white-space: nowrap;
}
nav.sections a {
  display: block; padding: 0.5rem 0; text-decoration: none; color: var(--soft); font-size: 0.87rem;
}
nav.sections a:hover { color: var(--ink); text-decoration: underline; }
nav.sections a:focus-visible { outline-offset: -2px; }

section { padding: 1.6rem 0 0.4rem; }
h2 { margin: 0 0 0.8rem; font-size: 1.15rem; font-weight: 650; letter-spacing: -0.005em; }
h3 { margin: 1.3rem 0 0.4rem; font-size: 0.87rem; font-weight: 600; color: var(--soft); }
h3 code { color: var(--ink); }
.lead, .note { max-width: 60rem; color: var(--soft); margin: 0.2rem 0 0.9rem; }
footer {
  color: var(--soft); font-size: 0.8rem; padding-top: 2rem !important;
  padding-bottom: 2rem !important;
}

/* States and facts */
.states-bar { display: block; width: 100%; height: 10px; }
.b-equal { fill: var(--equal); } .b-related { fill: var(--related); }
.b-different { fill: var(--different); } .b-unknown { fill: var(--unknown); }
.b-only-a, .b-only-b { fill: var(--only); }
.states-bar rect { stroke: var(--page); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.states, .legend ul {
  list-style: none; margin: 0.7rem 0 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: 0.3rem 1.6rem;
}
.states li, .legend li { display: flex; align-items: center; gap: 0.45rem; }
.states b { font-weight: 650; }
.facts {
  margin: 1.1rem 0 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr));
  border-top: 1px solid var(--line);
}
.facts div { padding: 0.5rem 0.8rem 0.5rem 0; border-bottom: 1px solid var(--line); }
.facts dt { color: var(--soft); font-size: 0.8rem; }
.facts dd { margin: 0; font-size: 1.02rem; }
.facts.small {
  grid-template-columns: repeat(auto-fill, minmax(8rem, max-content)); border: 0;
  margin: 0.2rem 0 0; gap: 0 1.2rem;
}
.facts.small div { border: 0; padding: 0.1rem 0; }
.facts.small dd { font-size: 0.92rem; }

.cards {
  list-style: none; margin: 0; padding: 0; display: grid;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0.8rem 2rem;
}
.cards > li { padding: 0.1rem 0 0.1rem 0.9rem; border-left: 3px solid var(--line); min-width: 0; }
.cards p { margin: 0.2rem 0 0; max-width: 60rem; overflow-wrap: anywhere; }
.tag {
  display: inline-block; padding: 0 0.45rem; border: 1px solid var(--line); border-radius: 3px;
  font-size: 0.8rem; background: var(--panel); white-space: nowrap;
}
.s-danger { color: var(--different); border-color: var(--different); font-weight: 650; }
.s-warning { color: var(--unknown); border-color: var(--unknown); }

/* Tables */
.scroll { overflow-x: auto; max-width: 100%; }
.scroll.tall { max-height: 34rem; overflow-y: auto; }
table { border-collapse: separate; border-spacing: 0; font-size: 0.81rem; line-height: 1.4; }
th, td {
  padding: 0.28rem 0.7rem 0.28rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line);
}
th { font-weight: 500; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; vertical-align: bottom; }
.tall thead th, .tall thead td {
  position: sticky; top: 0; background: var(--page); box-shadow: inset 0 -1px 0 var(--line);
}
.number { text-align: right; white-space: nowrap; }
.tensors, .layers, .fields { width: 100%; }
.plain td, .plain th { padding-right: 1.6rem; }
.plain tbody th { color: var(--soft); white-space: nowrap; }
.plain tbody th code { color: var(--ink); white-space: normal; }
.fields td, .fields th { max-width: 26rem; min-width: 4.5rem; }
.fields td:nth-child(3), .fields td:nth-child(4) { min-width: 9rem; }
.tensors td:nth-child(3) { min-width: 9rem; max-width: 18rem; overflow-wrap: anywhere; }
.tensors th[scope="row"] {
  width: 23rem; min-width: 23rem; max-width: 24rem; background: var(--page);
}
.tensors th[scope="row"] > div { display: flex; align-items: baseline; }
.tensors th[scope="row"] code { min-width: 0; }
@media screen and (min-width: 60rem) {
  .tensors th[scope="row"], .tensors thead th:first-child {
    position: sticky; left: 0; background: var(--page); z-index: 1;
  }
}
.tensors td { white-space: nowrap; }
.tensors td:nth-child(4) { white-space: normal; min-width: 6.5rem; }
.tensors td:nth-child(3), .tensors .more td { white-space: normal; }
.tensors thead button {
  font: inherit; color: inherit; background: none; border: 0; padding: 0.3rem 0; cursor: pointer;
  white-space: nowrap;
}
.tensors thead button:hover { color: var(--ink); text-decoration: underline; }
.tensors thead button::after { content: "\2195"; margin-left: 0.25rem; opacity: 0.55; }
.tensors thead th[aria-sort="ascending"] button::after { content: "\2191"; opacity: 1; }
.tensors thead th[aria-sort="descending"] button::after { content: "\2193"; opacity: 1; }
.tensors thead th[aria-sort] button { color: var(--ink); }
.tensors tbody tr:hover, .layers tbody tr:hover, .tensors tbody tr:hover th {
  background: var(--panel);
}
.tensors tr:target, .tensors tr.found, .tensors tr.found th {
  background: var(--shade); box-shadow: inset 3px 0 0 var(--focus);
}
.tensors tr:focus-visible { outline-offset: -2px; }
.tensors .open {
  font: inherit; color: var(--soft); background: none; border: 0; padding: 0; flex: none;
  width: 1.5rem; height: 1.5rem;
  margin: -0.15rem 0; cursor: pointer;
}
.tensors .open::before { content: "\25B8"; }
.tensors .open[aria-expanded="true"]::before { content: "\25BE"; }
.tensors .more td { background: var(--panel); padding: 0.6rem 1rem 0.8rem 1.5rem; }
.more dl {
  display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.1rem 1rem; margin: 0;
  position: sticky; left: 1.5rem; width: fit-content; max-width: min(60rem, 80vw);
}
.more dt { color: var(--soft); } .more dd { margin: 0; overflow-wrap: anywhere; }
.swatch {
  display: inline-block; width: 0.7rem; height: 0.7rem; margin-right: 0.45rem;
  vertical-align: -0.05rem; border: 1px solid var(--line); print-color-adjust: exact;
  -webkit-print-color-adjust: exact; forced-color-adjust: none;
}
.st { font-weight: 600; }
.st-equal { color: var(--equal); } .st-related { color: var(--related); }
.st-different { color: var(--different); }
.st-only-a, .st-only-b { color: var(--only); }
.st-unknown { color: var(--unknown); font-style: italic; }
.st-equal::before { content: "=\2002"; } .st-related::before { content: "\2245\2002"; }
.st-different::before { content: "\2260\2002"; }
.st-only-a::before { content: "\25E4\2002"; } .st-only-b::before { content: "\25E5\2002"; }
.st-unknown::before { content: "?\2002"; }
.none { color: var(--soft); }

/* Controls */
#filter {
  display: flex; flex-wrap: wrap; gap: 0.6rem 1.1rem; align-items: flex-end; margin: 0 0 0.7rem;
}
#filter label { display: grid; gap: 0.15rem; font-size: 0.8rem; color: var(--soft); }
#filter label:first-child { flex: 1 1 16rem; max-width: 30rem; }
input, select, form button, .pages button {
  font: inherit; font-size: 0.87rem; color: var(--ink); background: var(--page);
  border: 1px solid #8a8f96;
  border-radius: 4px; padding: 0.3rem 0.55rem; min-height: 2.1rem; max-width: 100%;
}
#group { max-width: 15rem; }
form button, .pages button { cursor: pointer; background: var(--panel); }
button[aria-disabled="true"] { color: var(--soft); cursor: default; opacity: 0.6; }
.pages {
  display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-top: 0.8rem;
  font-size: 0.87rem;
}
#page { padding: 0 0.5rem; }
#shown { margin: 0 0 0.5rem; color: var(--soft); font-size: 0.87rem; }

/* Drawings */
svg text { font: 11px var(--mono); fill: var(--soft); }
.map { display: flex; align-items: flex-start; }
.map .labels { flex: none; } .map .labels text { fill: var(--ink); }
.map .scroll { padding: 0 3px 6px; }
.cells { display: block; }
.axis text { font-size: 10px; }
.blank { fill: var(--page); stroke: var(--line); }
.dot { fill: var(--equal); } .diamond { fill: none; stroke: var(--related); stroke-width: 1.5px; }
.half { fill: var(--only); }
.cross { fill: var(--page); stroke: var(--different); stroke-width: 1.5px; }
.ink { fill: none; stroke: var(--different); stroke-width: 1.5px; }
.hatched { fill: url(#hatch); stroke: var(--unknown); }
.hatch { stroke: var(--unknown); stroke-width: 1.5px; }
.corner { fill: var(--ink); stroke: var(--page); stroke-width: 1px; }
.h0 { fill: var(--h0); background: var(--h0); } .h1 { fill: var(--h1); background: var(--h1); }
.h2 { fill: var(--h2); background: var(--h2); } .h3 { fill: var(--h3); background: var(--h3); }
.h4 { fill: var(--h4); background: var(--h4); } .h5 { fill: var(--h5); background: var(--h5); }
.h6 { fill: var(--h6); background: var(--h6); } .h7 { fill: var(--h7); background: var(--h7); }
.h8 { fill: var(--h8); background: var(--h8); } .h9 { fill: var(--h9); background: var(--h9); }
.h10 { fill: var(--h10); background: var(--h10); }
.h11 { fill: var(--h11); background: var(--h11); }
.cells a:hover path:first-of-type { stroke: var(--ink); stroke-width: 1.5px; }
.cells a:focus { outline: none; }
.cells a:focus path:first-of-type { stroke: var(--focus); stroke-width: 3px; }
svg { forced-color-adjust: none; }
.defs { position: absolute; }
.legend {
  display: flex; flex-wrap: wrap; gap: 0.4rem 1.8rem; align-items: flex-start; font-size: 0.83rem;
}
.legend ul { margin: 0; } .scale svg { max-width: 100%; }
#readout {
  min-height: 1.5em; margin: 0.4rem 0 0; font: 0.8rem/1.5 var(--mono); color: var(--soft);
  overflow-wrap: anywhere;
}
.plots {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: 1.2rem 2rem;
}
figure { margin: 0; max-width: 34rem; }
figcaption { font-size: 0.87rem; font-weight: 600; margin-bottom: 0.3rem; }
.plot { display: block; width: 100%; height: auto; }
.grid { stroke: var(--line); } .zero { stroke-dasharray: 3 3; } .base { stroke: var(--soft); }
.stem { stroke: var(--line); fill: none; stroke-width: 1.5px; } .point { fill: var(--different); }
.point.none { fill: var(--equal); }
.bar { fill: var(--link); } .bar.none { fill: var(--equal); }

@media (max-width: 40rem) {
  body > header, main, footer, nav.sections ul { padding-left: 1rem; padding-right: 1rem; }
  .verdict { gap: 0.9rem; padding-top: 1.25rem !important; }
  .verdict .sign { width: 3.2rem; height: 3.2rem; font-size: 2rem; }
  .verdict h1 { font-size: 1.5rem; } .verdict .summary { font-size: 1rem; }
  .map .labels { max-width: 45vw; } .tensors th[scope="row"] { width: 15rem; min-width: 15rem; }
  .facts { grid-template-columns: 1fr 1fr; }
}
@media print {
  @page { size: landscape; margin: 12mm; }
  body { font-size: 9.5pt; }
  nav.sections, .skip, #filter, .pages, #readout, .with-script, .tensors .open,
  .tensors thead button::after {
    display: none !important;
  }
  .scroll, .scroll.tall { overflow: visible; max-height: none; }
  .map .scroll { flex: 1; min-width: 0; } .cells { max-width: 100%; }
  table { font-size: 7pt; } .tensors th[scope="row"] { width: auto; min-width: 22em; }
  .tensors td:not(.number) { white-space: normal; }
  .tensors td:nth-child(3) { min-width: 0; }
  thead { display: table-header-group; break-inside: avoid; }
  tr, figure, .cards > li, .verdict { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  a { color: inherit; text-decoration: none; }
}
)css";

}  // namespace hallmark
