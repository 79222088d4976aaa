#!/usr/bin/python3
"""Documents hold together: relative links and anchors resolve, every page is reachable or its
folder named in docs/README.md, every container format has its page, docs/findings.md has the code of
every finding, and exit codes agree with the header."""
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


def finding_codes():
    """The codes that the sources give to findings: a slug, or a constant that is one, among the
    arguments that begin with a severity or go to a function that adds a finding."""
    texts = {p: (ROOT / p).read_text() for p in tracked("*.cc", "*.h") if p.parts[0] not in ("tests", "bench")}
    constants = {}
    for text in texts.values():
        constants.update(re.findall(r'string_view (k\w+) = "([a-z0-9-]+)"', text))
    codes = {}
    for path, text in texts.items():
        for call in re.finditer(r"(?:Severity::k\w+,|code = |(?:AddFinding|AddProblem|ProblemAt|Note|warn)\()([^;{}]*)", text):
            arguments = call.group(1)
            slugs = re.findall(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)+|unread|unreadable|dangerous)"', arguments)
            slugs += [constants[k] for k in re.findall(r"std::string\((k\w+)\)", arguments) if k in constants]
            codes.update((slug, path) for slug in slugs)
    return codes


def check_findings():
    page = (ROOT / "docs/findings.md").read_text()
    on_page = re.findall(r"^\| `([a-z0-9-]+)` \| (?:note|warning|danger) \|", page, re.M)
    in_code = finding_codes()
    for code in sorted(in_code.keys() - set(on_page)):
        yield f"{in_code[code]}: the finding {code} is not in docs/findings.md"
    for code in sorted(set(on_page) - in_code.keys()):
        yield f"docs/findings.md: no source gives the finding {code}"
    for code in sorted({c for c in on_page if on_page.count(c) > 1}):
        yield f"docs/findings.md: {code} stands there twice"


def check_exit_codes():
    header = (ROOT / "cli/exit_code.h").read_text()
    in_code = {m.group(1).lower(): m.group(2) for m in re.finditer(r"k(\w+) = (\d+),", header)}
    page = (ROOT / "docs/exit-codes.md").read_text()
    in_page = {m.group(2): m.group(1) for m in re.finditer(r"^\| (\d+) \| (\w+) \|", page, re.M)}
    if in_code != in_page:
        yield f"docs/exit-codes.md says {in_page}, cli/exit_code.h {in_code}"


def main():
    pages = {str(p): (ROOT / p).read_text() for p in tracked("*.md")}
    complaints = [*check_links(pages), *check_formats(), *check_findings(), *check_exit_codes()]
    finish(complaints, len(pages))


main()
