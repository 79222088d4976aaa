#!/usr/bin/python3
"""Documents hold together: relative links and anchors resolve, every page is reachable or its
folder named in docs/README.md, every container format has its page, and exit codes agree with the header."""
import re

from tree import ROOT, finish, tracked

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchor(heading):
    """The anchor that a heading gets on code hosts."""
    text = re.sub(r"[`*]", "", heading.strip()).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def headings(text):
    return {anchor(m.group(1)) for m in re.finditer(r"^#+ (.+)$", text, re.M)}


def prose(text):
    """`text` without code, which may look like links."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S))


def check_links(pages):
    reached = {}
    for page, text in pages.items():
        reached[page] = set()
        for link in LINK.findall(prose(text)):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, fragment = link.partition("#")
            file = (ROOT / page).parent / target if target else ROOT / page
            if not file.exists():
                yield f"{page}: {link} leads nowhere"
                continue
            name = str(file.resolve().relative_to(ROOT))
            reached[page].add(name)
            if fragment and file.suffix == ".md" and fragment not in headings(file.read_text()):
                yield f"{page}: {link}: no such heading"
    seen, todo = set(), ["README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page not in pages:
            continue
        seen.add(page)
        todo += reached[page]
    index = pages["docs/README.md"]
    for page in pages:
        folder = page.removeprefix("docs/").rpartition("/")[0]
        if page.startswith("docs/") and page not in seen and f"`{folder}/`" not in index:
            yield f"{page}: no page leads to it, and docs/README.md does not name its folder"


def check_formats():
    registry = ROOT / "formats/registry.cc"
    if not registry.is_file():
        return
    for name in re.findall(r'\{\s*"([a-z0-9][a-z0-9-]*)",\s*"[^"]+",\s*\w+,\s*\w+\s*\}', registry.read_text()):
        page = ROOT / "docs/formats" / f"{name}.md"
        shared = any(f"`{name}`" in p.read_text() for p in (ROOT / "docs/formats").glob("*.md"))
        if not page.is_file() and not shared:
            yield f"formats/registry.cc: format {name} has no page in docs/formats"


def check_exit_codes():
    header = (ROOT / "cli/exit_code.h").read_text()
    in_code = {m.group(1).lower(): m.group(2) for m in re.finditer(r"k(\w+) = (\d+),", header)}
    page = (ROOT / "docs/exit-codes.md").read_text()
    in_page = {m.group(2): m.group(1) for m in re.finditer(r"^\| (\d+) \| (\w+) \|", page, re.M)}
    if in_code != in_page:
        yield f"docs/exit-codes.md says {in_page}, cli/exit_code.h {in_code}"


def main():
    pages = {str(p): (ROOT / p).read_text() for p in tracked("*.md")}
    complaints = [*check_links(pages), *check_formats(), *check_exit_codes()]
    finish(complaints, len(pages))


main()
