"""How the page behind /docs looks and is searched: one style sheet, one script, and the policy that allows just these."""

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; --back: #fff; --card: #fff; --soft: #f4f5f7; --line: #dfe2e8; --text: #1b1f27;
  --muted: #596273; --accent: #2450c8; --get: #1d6b45; --post: #2450c8; --put: #8a5200; --patch: #8a5200; --delete: #b3261e }
@media (prefers-color-scheme: dark) { :root { --back: #12151b; --card: #191d25; --soft: #222834; --line: #303744;
  --text: #e8ebf1; --muted: #a0a9ba; --accent: #8fb0ff; --get: #6fd6a2; --post: #8fb0ff; --put: #f2b766; --patch: #f2b766;
  --delete: #ff9b92 } }
* { box-sizing: border-box }
html { scroll-padding-top: 5.5rem }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.55 system-ui, sans-serif }
header { position: sticky; top: 0; z-index: 1; background: var(--back); border-bottom: 1px solid var(--line) }
header > div, main { max-width: 62rem; margin: 0 auto; padding: .75rem 1rem }
header > div { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem }
main { padding-bottom: 6rem }
h1 { margin: 0; font-size: 1.15rem; letter-spacing: -.01em }
h2 { margin: 2.25rem 0 .5rem; font-size: 1rem }
h3 { margin: 1.25rem 0 .25rem; font-size: .875rem; color: var(--muted); font-weight: 600 }
a { color: var(--accent); text-underline-offset: .15em }
p { margin: .5rem 0 }
input { flex: 1 1 16rem; min-width: 0; font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line);
  border-radius: .5rem; padding: .45rem .75rem }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
output { color: var(--muted); font-size: .875rem } output:empty { display: none }
details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: .375rem 0 }
summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .75rem; cursor: pointer; padding: .55rem .8rem;
  list-style: none; border-radius: .5rem }
summary::-webkit-details-marker { display: none }
summary:hover { background: var(--soft) }
summary > span { color: var(--muted); font-size: .875rem }
details[open] > summary { border-bottom: 1px solid var(--line); border-radius: .5rem .5rem 0 0 }
details > div { padding: .25rem .8rem 1rem }
code { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere }
summary code { font-size: .9rem }
b { min-width: 3.4rem; font: 700 .75rem/1.6 ui-monospace, SFMono-Regular, Menlo, monospace; letter-spacing: .02em }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) } .patch { color: var(--patch) }
.delete { color: var(--delete) }
i { font-style: normal; font-size: .8125rem; border: 1px solid var(--line); border-radius: 1rem; padding: .05rem .6rem;
  margin-right: .35rem; white-space: nowrap }
dl { margin: 0 } .callers > div { display: flex; flex-wrap: wrap; gap: 0 .5rem; align-items: baseline }
.callers dt { min-width: 6rem }
dl > div { padding: .4rem 0; border-top: 1px solid var(--line) } dl > div:first-child { border: 0 }
dt { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: baseline } dt span { color: var(--muted); font-size: .8125rem }
dd { margin: 0; color: var(--muted); font-size: .875rem; overflow-wrap: anywhere }
[hidden] { display: none !important }
@media print { header { position: static } input, output { display: none } }
"""

SCRIPT = """
const find = document.querySelector('input'), told = document.querySelector('output');
const all = [...document.querySelectorAll('details')], groups = [...document.querySelectorAll('section')];
const look = () => {
  const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const one of all) {
    one.hidden = !words.every(word => one.dataset.text.includes(word));
    if (!one.hidden) shown++;
  }
  for (const group of groups) group.hidden = !group.querySelector('details:not([hidden])');
  told.textContent = words.length ? shown + ' of ' + all.length : '';
};
const go = () => {
  const one = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!one || !('open' in one)) return;
  if (one.hidden) { find.value = ''; look(); }
  one.open = true;
  one.scrollIntoView();
};
find.addEventListener('input', look);
addEventListener('hashchange', go);
addEventListener('keydown', event => {
  if (event.key === '/' && document.activeElement !== find) { event.preventDefault(); find.focus(); }
});
find.parentElement.hidden = false;
look();
go();
"""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Nothing is loaded from anywhere, and nothing runs but the two texts above."""
