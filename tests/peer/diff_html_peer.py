"""The page of `hallmark diff --report r.html` in Chromium: it runs under its own policy, asks the
network for nothing, can be sorted, filtered, walked by keys, read on a telephone and in the dark,
printed; names from files do nothing.

With a page as argument (or several), those are looked at. Else the pages of HALLMARK_DIFF_HTML_SAMPLE
(reports that nobody made) and that of a real comparison by HALLMARK. Debian's chromium is used."""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("HALLMARK_CHROMIUM") or shutil.which("chromium")
NUMBERS = ("differing", "share", "max_abs", "max_relative", "rms", "cosine", "relative_norm", "sign_flips", "not_finite")
SLOW = 5.0  # seconds for the largest page to become usable

# Text against its ground, the least ratio first: WCAG 2.2, 1.4.3. Needs opaque colours.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const part = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const worst = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || element.closest('script, style, [aria-disabled=true]')) continue;
    const style = getComputedStyle(element);
    const text = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(parse(text)), light(ground(element))].sort((x, y) => y - x);
    worst.push([(a + 0.05) / (b + 0.05), element.tagName + '.' + (element.getAttribute('class') || '') + ' ' + element.textContent.slice(0, 30)]);
  }
  return worst.sort((x, y) => x[0] - y[0])[0];
}"""


class Check:
    """Counts what was compared; a test that compared nothing has failed."""

    def __init__(self):
        self.compared = 0
        self.wrong = 0
        self.page = ""

    def that(self, holds, what):
        self.compared += 1
        if not holds:
            self.wrong += 1
            print(f"WRONG: {self.page}: {what}")

    def equal(self, got, expected, what):
        self.that(got == expected, f"{what}: got {got!r}, expected {expected!r}")


check = Check()


class Opened:
    """A page, and all that it complained of or asked for."""

    def __init__(self, browser, path, **options):
        self.url = path.resolve().as_uri()
        self.context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        self.page = self.context.new_page()
        self.complaints = []
        self.requests = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append("a dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("popup", lambda popup: self.complaints.append("a window"))
        if options.get("java_script_enabled", True):
            self.page.add_init_script("window.violations = [];"
                                      "addEventListener('securitypolicyviolation', (e) => window.violations.push(e.violatedDirective + ' ' + e.blockedURI));")
        self.page.goto(self.url)

    def __enter__(self):
        return self.page

    def __exit__(self, *_):
        if self.page.evaluate("Array.isArray(window.violations)"):
            check.equal(self.page.evaluate("window.violations"), [], "violations of the policy")
        check.equal(self.complaints, [], "console")
        check.equal({url.split("#")[0] for url in self.requests}, {self.url}, "requests")
        self.context.close()


def tensors_of(page):
    """What the page carries, read apart from its script: a dict a tensor."""
    data = json.loads(page.evaluate("document.getElementById('data').textContent"))
    rows = [dict(zip(data["columns"], row), index=i) for i, row in enumerate(data["rows"])]
    for row in rows:
        for key in NUMBERS:
            if isinstance(row.get(key), str):
                row[key] = float(row[key].replace("Infinity", "inf"))
        row["share"] = row["differing"] / row["values"] if row["values"] else None
    return rows


def until(page, expression):
    """The page's policy forbids what Playwright's own waiting does."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(10)
    check.that(False, f"never true: {expression}")


def reset(page):
    page.locator("button[type=reset]").click()
    until(page, "document.querySelectorAll('.tensors thead th[aria-sort]').length === 0 && "
                "document.getElementById('shown').textContent.includes('nothing filtered out, in the order of the model')")


def shown(page):
    return [int(i[1:]) for i in page.eval_on_selector_all("#rows > tr[id]", "rows => rows.map((row) => row.id)")]


def sorting(page, tensors):
    def rank(row, key):
        return 2 if row[key] is None else 1 if math.isnan(row[key]) else 0

    for key in page.eval_on_selector_all(".tensors thead button", "buttons => buttons.map((b) => b.dataset.key)"):
        button = page.locator(f"button[data-key={key}]")
        orders = {}
        for _ in range(2):
            button.focus()
            page.keyboard.press("Enter")
            sort = button.locator("..").get_attribute("aria-sort")
            orders[sort] = shown(page)
            check.equal(page.locator(".tensors thead th[aria-sort]").count(), 1, "columns that say they are sorted")
            check.that(sort in page.locator("#shown").text_content(), f"the live region does not say {sort}")
        check.equal(set(orders), {"ascending", "descending"}, f"orders of {key}")
        if key not in NUMBERS:
            different = len({str(tensor[key]) for tensor in tensors if tensor[key]})  # what has none is last either way
            check.that(different < 2 or orders["ascending"] != orders["descending"], f"{key} is not sorted")
            continue
        for direction, sign in (("ascending", 1), ("descending", -1)):
            expected = sorted(tensors, key=lambda row: (rank(row, key), 0 if rank(row, key) else sign * row[key], row["index"]))
            check.equal(orders[direction], [row["index"] for row in expected][:100], f"{key} {direction}")


def filtering(page, tensors):
    reset(page)
    check.equal(shown(page), [row["index"] for row in tensors][:100], "order after reset")
    text = tensors[-1]["name"][:40]
    page.locator("#text").fill(text)
    expected = [row["index"] for row in tensors if text.lower() in row["name"].lower()]
    check.that(set(expected[:100]) <= set(shown(page)) or len(expected) > 100, f"filter by {text!r}")
    page.locator("#text").fill("no tensor has such a name")
    check.equal(shown(page), [], "filter that nothing passes")
    check.that("No rows" in page.locator("#shown").text_content(), "the live region does not say that nothing is left")
    page.locator("#text").fill("")
    for state in {row["state"] for row in tensors}:
        page.locator("#state").select_option(state)
        check.equal(shown(page), [row["index"] for row in tensors if row["state"] == state][:100], f"state {state}")
    page.locator("#state").select_option("")
    page.locator("#group").select_option(index=1)
    check.equal(shown(page), [row["index"] for row in tensors if row["group"] == tensors[0]["group"]][:100], "layer")
    reset(page)
    # Pages
    if len(tensors) > 100:
        page.locator("[data-page=next]").click()
        check.equal(shown(page), [row["index"] for row in tensors][100:200], "second page")
        if len(tensors) > 200:
            page.locator("[data-page=last]").click()
        check.equal(shown(page)[-1], tensors[-1]["index"], "last page")
        page.locator("[data-page=first]").click()


def map_of_tensors(page, tensors):
    cells = page.locator(".cells a")
    if cells.count() == 0:
        return
    check.equal(page.eval_on_selector_all(".cells a", "cells => cells.filter((c) => !c.querySelector('title').textContent).length"), 0, "cells without a title")
    linked = {int(h[2:]) for h in page.eval_on_selector_all(".cells a", "cells => cells.map((c) => c.getAttribute('href'))")}
    check.that(linked <= {row["index"] for row in tensors}, "cells that lead nowhere")
    stops = page.eval_on_selector_all(".cells", "all => all.map((s) => s.querySelectorAll('a[tabindex=\"0\"]').length)")
    check.equal(set(stops), {1}, "stops for Tab in a map")
    page.locator(".cells a[tabindex='0']").first.focus()
    before = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    check.equal(page.evaluate("document.activeElement.getAttribute('href')"), before, "round by arrow keys")
    page.keyboard.press("ArrowRight")
    link = page.evaluate("document.activeElement.getAttribute('href')")
    page.locator("#text").fill("nothing")
    page.locator(f".cells a[href='{link}']").first.focus()
    page.keyboard.press("Enter")
    until(page, "document.activeElement.tagName === 'TR'")
    check.equal("#" + page.evaluate("document.activeElement.id"), link, "row that a cell leads to")
    box = page.evaluate("(({top, bottom}) => [top, bottom, innerHeight])(document.activeElement.getBoundingClientRect())")
    check.that(box[0] >= 0 and box[0] < box[2], f"the row is out of sight: {box}")
    reset(page)


def keyboard(page):
    """Tab reaches all that can be acted on, and what has the focus shows it."""
    page.evaluate("location.hash = ''; scrollTo(0, 0); document.activeElement.blur()")
    expected = page.evaluate("""() => {
      const all = [...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')]
          .filter((e) => e.getAttribute('tabindex') !== '-1' && !e.disabled && e.getClientRects().length);
      all.forEach((e, i) => { e.reachId = i; });
      window.reached = new Set();
      return all.length;
    }""")
    page.keyboard.press("Shift")  # the focus is shown to those who use keys
    page.evaluate("document.querySelector('.skip').focus()")
    for _ in range(expected + 5):
        state = page.evaluate("""() => {
          const at = document.activeElement;
          if (at.reachId === undefined) return 'none';
          window.reached.add(at.reachId);
          const style = getComputedStyle(at);
          const inner = at.querySelector(':scope > path');
          const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
          return ring || (inner && parseFloat(getComputedStyle(inner).strokeWidth) >= 2) ? 'seen' : 'unseen ' + at.outerHTML.slice(0, 120);
        }""")
        check.that(not state.startswith("unseen"), f"focus does not show: {state}")
        page.keyboard.press("Tab")
    check.equal(page.evaluate("window.reached.size"), expected, "things that Tab reaches")
    page.locator(".open").first.focus()
    page.keyboard.press("Enter")
    check.equal(page.locator("tr.more").count(), 1, "details opened by key")
    page.keyboard.press("Enter")
    check.equal(page.locator("tr.more").count(), 0, "details closed by key")


def structure(page):
    wrong = page.evaluate("""() => {
      const wrong = [];
      const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
      if (new Set(ids).size !== ids.length) wrong.push('an id twice');
      for (const e of document.querySelectorAll('*')) {
        for (const name of e.getAttributeNames()) if (/^on|^style$/.test(name)) wrong.push(name);
      }
      for (const name of ['main', 'h1', 'header', 'footer', 'nav']) if (!document.querySelector(name)) wrong.push('no ' + name);
      for (const e of document.querySelectorAll('input, select')) if (!e.labels.length) wrong.push('no label: ' + e.id);
      for (const e of document.querySelectorAll('[aria-labelledby]')) if (!document.getElementById(e.getAttribute('aria-labelledby'))) wrong.push('labelled by nothing');
      for (const e of document.querySelectorAll('a[href^="#"]')) {
        const id = e.getAttribute('href').slice(1);
        if (!/^t\\d+$/.test(id) && !document.getElementById(id)) wrong.push('link to nothing: ' + id);
      }
      if (document.scripts.length !== 2) wrong.push(document.scripts.length + ' scripts');
      if (document.querySelector('img, iframe, object, link, base, form[action]')) wrong.push('an element that has no place here');
      let level = 0;
      for (const h of document.querySelectorAll('h1, h2, h3')) {
        if (Number(h.tagName[1]) > level + 1) wrong.push('a heading skips a level: ' + h.textContent);
        level = Number(h.tagName[1]);
      }
      return wrong;
    }""")
    check.equal(wrong, [], "structure")
    check.that("owned" not in page.title().split(":")[0], "a name has run")
    visible = page.evaluate("document.body.innerText")
    check.that(not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029\x00-\x08\x0b-\x1f]", visible), "control characters are shown as they are")


def look_at(browser, path):
    check.page = path.name
    start = time.monotonic()
    with Opened(browser, path) as page:
        page.wait_for_selector("#shown:not(:empty)", state="attached")
        ready = time.monotonic() - start
        check.that(ready < SLOW, f"usable after {ready:.1f} s, limit {SLOW} s")
        tensors = tensors_of(page)
        structure(page)
        if tensors:
            start = time.monotonic()
            page.locator("button[data-key=relative_norm]").click()
            page.locator("#text").fill(".")
            took = time.monotonic() - start
            check.that(took < 2, f"sorted and filtered in {took:.1f} s, limit 2 s")
            page.locator("#text").fill("")
            sorting(page, tensors)
            filtering(page, tensors)
            map_of_tensors(page, tensors)
            if len(tensors) < 1000:
                keyboard(page)
        pdf = page.pdf(prefer_css_page_size=True)
        check.that(pdf.startswith(b"%PDF") and len(pdf) > 5000, "no PDF")
    for scheme in ("light", "dark"):
        for width in (390, 1400):
            with Opened(browser, path, color_scheme=scheme, viewport={"width": width, "height": 844}) as page:
                page.wait_for_selector("#shown:not(:empty)", state="attached")
                over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                check.that(over <= 0, f"{over} px too wide at {width}")
                if len(page.content()) < 1_000_000:
                    ratio, what = page.evaluate(CONTRAST)
                    check.that(ratio >= 4.5, f"contrast {ratio:.2f} in {scheme}: {what}")
    with Opened(browser, path, java_script_enabled=False) as page:
        check.that(page.locator("noscript p").is_visible(), "without JavaScript nothing is said")
        check.that(not page.locator("#table").is_visible(), "without JavaScript an empty table is shown")
        check.that(page.locator("#layers tbody tr").count() > 0, "without JavaScript there are no layers")


def pages(folder):
    maker = os.environ.get("HALLMARK_DIFF_HTML_SAMPLE")
    for what in ("sample", "equal", "related", "inconclusive", "hostile", "large") if maker else ():
        path = folder / f"{what}.html"
        with path.open("wb") as file:
            subprocess.run([maker, what], stdout=file, check=True)
        yield path
    if "HALLMARK" in os.environ:
        fixtures = pathlib.Path(os.environ["HALLMARK_FIXTURES"])
        path = folder / "real.html"
        subprocess.run([os.environ["HALLMARK"], "diff", fixtures / "meta-llama2-bf16", fixtures / "hf-bin", "--report", path],
                       stdout=subprocess.DEVNULL)
        yield path


def main():
    if not CHROMIUM:
        print("skipped: no chromium", file=sys.stderr)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        # The sandbox needs what containers often lack; the page is from our own tests.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for path in map(pathlib.Path, sys.argv[1:]) if sys.argv[1:] else pages(pathlib.Path(folder)):
            look_at(browser, path)
        browser.close()
    print(f"{check.compared} comparisons, {check.wrong} wrong")
    sys.exit(1 if check.wrong or not check.compared else 0)


main()
