"""What the code, the tests and the documents point at is there: documents, their sections, links, and files of this repository."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from os.path import normpath
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOPS = ("deliver", "strategies", "sandbox", "tests", "bench", "examples", "docs", "deploy")
FILES = {
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.*"), *(one for top in TOPS for one in (ROOT / top).rglob("*"))]
    if path.is_file() and "__pycache__" not in path.parts
}
READ = sorted(name for name in FILES if name.endswith((".py", ".md", ".toml", ".yaml")) and not name.startswith("tests/lab/"))
PAGES = [name for name in READ if name.endswith(".md")]
ENDS = {name[at + 1 :] for name in FILES for at in (found.start() for found in re.finditer("/", name))}  # every path's ends

MENTION = re.compile(r"(?<![\w:/.-])((?:\.\./)*(?:[a-z][\w-]*/)*[A-Za-z][\w-]*\.md)\b")
SECTION = re.compile(r"\.md(?:`|\))?,?\s(?:(sections?|rules?) )?((?:\d\w?|[A-Z]\d+)(?:(?:, | and | to )(?:\d\w?|[A-Z]\d+))*)(?![\w%])")
FAULT = re.compile(r"(?<!safety\.md )(?<!safety\.md F1 to )\b([BF]\d{1,2})\b")
PLACE = re.compile(rf"(?<![\w/.<-])((?:{'|'.join(TOPS)})/[\w./-]*\w)(?![\w*{{<(])")
NAMED = re.compile(r"(?<![\w/.-])([\w-]+(?:/[\w-]+)*\.py)\b")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
WRITTEN = {"summary.md", "analysis.md"}  # by a run in CI, and by the benchmark
SHOWN = ("examples/", "docs/plugins.md")  # name files that a reader would have
WORKPLACE = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w")


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def said(name: str) -> str:
    """Of Python, comments and docstrings; of a page, all but what it shows as a program."""
    if not name.endswith(".py"):
        return re.sub(r"^```.*?^```", "", text(name), flags=re.MULTILINE | re.DOTALL)
    comments = [token.string for token in tokenize.generate_tokens(io.StringIO(text(name)).readline) if token.type == tokenize.COMMENT]
    strings = [node.value for node in ast.walk(ast.parse(text(name))) if isinstance(node, ast.Expr)]
    return "\n".join([*comments, *(one.value for one in strings if isinstance(one, ast.Constant) and isinstance(one.value, str))])


def page_of(mention: str, within: str) -> str | None:
    """The page that is meant: named from the root, from beside, or by a name that only one page of docs/ has."""
    for name in (mention, normpath(Path(within).parent / mention)):
        if name in FILES:
            return name
    found = [name for name in PAGES if name.startswith("docs/") and name.endswith(f"/{mention}")]
    return found[0] if len(found) == 1 else None


@cache
def sections(page: str) -> frozenset[str]:
    """Numbers of headings (`## 3.`, `### 2a.`), the numbered rules as "rule 4", and ids of a table (`| F21 |`)."""
    numbers = re.findall(r"^#+ (\d\w?)\.? ", text(page), re.MULTILINE)
    rules = re.search(r"^## [^\n]*\b[Rr]ules\b[^\n]*\n(.*?)(?=^## |\Z)", text(page), re.MULTILINE | re.DOTALL)
    numbered = [f"rule {number}" for number in re.findall(r"^(\d+)\. ", rules[1] if rules else "", re.MULTILINE)]
    return frozenset([*numbers, *numbered, *re.findall(r"^\| ([A-Z]\d+) \|", text(page), re.MULTILINE)])


@cache
def anchors(page: str) -> frozenset[str]:
    """As a forge makes them out of headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads)


def cited(words: str) -> Iterator[tuple[str, str]]:
    """(page as it is named, section) of each section that is cited; a range names its ends."""
    for found in MENTION.finditer(words):
        if section := SECTION.match(words, found.end() - len(".md")):
            kind = "rule " if (section[1] or "").startswith("rule") else ""
            yield from ((found[1], f"{kind}{number}") for number in re.split(r", | and | to ", section[2]))


def is_there(mention: str, within: str) -> bool:
    """A bare name is a file in the same folder or, from tests, one that is tested; with a folder it is the end of a path."""
    beside = str(Path(within).parent / mention) in FILES or mention in FILES
    return beside or (mention in ENDS and ("/" in mention or not within.startswith("deliver/")))


def test_every_document_that_is_named_is_there():
    missing = [(name, one) for name in READ for one in MENTION.findall(said(name)) if one not in WRITTEN and not page_of(one, name)]
    assert missing == []


def test_every_section_that_is_cited_is_there():
    found = [(name, page_of(page, name), section) for name in READ for page, section in cited(said(name))]
    assert len(found) > 50
    assert [(name, page, section) for name, page, section in found if page is None or section not in sections(page)] == []


def test_a_fault_is_named_with_the_page_that_explains_it():
    code = [name for name in READ if name.endswith(".py") and not name.startswith(("tests/faults/", "tests/docs/"))]
    assert [(name, one) for name in code for one in FAULT.findall(said(name))] == []


def test_every_file_and_folder_that_is_named_is_there():
    names = [name for name in READ if not name.startswith((*SHOWN, "tests/docs/"))]
    missing = [(name, one) for name in names for one in PLACE.findall(said(name)) if not (ROOT / one).exists()]
    python = [name for name in names if name.endswith(".py")]
    assert missing + [(name, one) for name in python for one in NAMED.findall(said(name)) if not is_there(one, name)] == []


def test_every_link_leads_somewhere():
    for page in PAGES:
        for target in LINK.findall(text(page)):
            path, _, anchor = target.partition("#")
            if "://" not in target:
                there = normpath(Path(page).parent / path) if path else page
                assert (ROOT / there).exists(), f"{page}: {target}"
                assert not anchor or anchor in anchors(there), f"{page}: {target}"


def test_no_document_names_a_place_of_somebodys_machine():
    assert [(page, one) for page in PAGES for one in WORKPLACE.findall(text(page))] == []


def test_the_index_has_every_page_and_the_readme_is_short():
    for page in PAGES:
        if page.startswith("docs/") and page != "docs/README.md":
            assert f"]({page.removeprefix('docs/')})" in text("docs/README.md"), page
    assert "(docs/README.md)" in text("README.md")
    assert len(text("README.md").splitlines()) <= 150
