"""The page stands alone: nothing is fetched, no text becomes markup, and it reads on a phone, in the dark, on paper and aloud."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from deliver.model.journal import Event
from deliver.model.release import Release
from deliver.model.spec import PluginSpec, QueryMetric
from deliver.report.inline import inline
from deliver.report.links import links
from deliver.report.report import report
from tests.render.conftest import SCENES
from tests.report.conftest import BACK_AT, points

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&$x$"
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """Every element is closed in order; ids are unique; what is referred to is there."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def ids(self) -> list[str]:
        return [str(attrs["id"]) for _, attrs in self.elements if "id" in attrs]


def html(release: Release) -> str:
    return report(release, "html", release.ended + 5).decode()


@pytest.fixture(scope="module")
def written(released: Release) -> str:
    return html(released)


@pytest.fixture(scope="module")
def read(written: str) -> Reader:
    return Reader(written)


def test_the_page_says_what_became_of_the_release_and_why(read: Reader):
    words = " ".join(read.words)
    for told in ("ROLLED BACK", "registry/web:1.0.0", "errors say FAIL", "traffic is off the new version", "deliver explain web -n shop"):
        assert told in words


def test_it_is_well_formed_and_each_id_is_its_own(read: Reader):
    assert len(read.ids()) == len(set(read.ids()))
    used = [str(attrs["xlink:href"]) for tag, attrs in read.elements if tag == "use"]
    assert used and {one.removeprefix("#") for one in used} <= set(read.ids())


def test_nothing_is_fetched_and_nothing_runs(read: Reader, written: str):
    assert not {tag for tag, _ in read.elements} & {"script", "img", "link", "iframe", "object", "base", "form"}
    assert not [attrs for _, attrs in read.elements if "src" in attrs or any(name.startswith("on") for name in attrs)]
    assert "@import" not in written
    assert not re.findall(r"url\((?!#)", written)
    (policy,) = [attrs["content"] for _, attrs in read.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy and policy.startswith("default-src 'none'")


def test_whatever_a_name_is_it_stays_text(released: Release):
    release = replace(
        released,
        reason=EVIL,
        actor=EVIL,
        evidence=(EVIL,),
        trail=points(released.started, BACK_AT, (EVIL,)),
        checks=tuple(replace(check, name=EVIL, why=EVIL) for check in released.checks),
    )
    release = release.noted(released.ended, Event.TURNED_BACK, reason=EVIL, checks=release.checks)
    found = Reader(html(release))
    assert not {tag for tag, _ in found.elements} & {"script", "img"}
    assert sum(EVIL in one for one in found.words) >= 4


def test_a_text_in_a_drawing_stays_as_it_is():
    svg = '<?xml?><svg width="1"><g id="a"><use href="#a" x="1.23456"/><text>id="a" url(#a) 1.23456 </text></g></svg>'
    made = inline(svg, "p", "t", "d")
    assert '<g id="p-a"><use href="#p-a" x="1.23"/><text>id="a" url(#a) 1.23456 </text>' in made


def test_every_drawing_has_a_title_and_words(read: Reader):
    drawings = [attrs for tag, attrs in read.elements if tag == "svg"]
    assert len(drawings) == 8  # four panels, each for a desk and for a phone
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] in read.ids() for attrs in drawings)
    assert all(attrs["aria-describedby"] in read.ids() for attrs in drawings)


def test_a_phone_the_dark_and_paper_are_thought_of(read: Reader, written: str):
    assert any(attrs.get("name") == "viewport" for _, attrs in read.elements)
    for rule in ("(prefers-color-scheme: dark)", "(max-width: 40rem)", "@media print"):
        assert rule in written
    assert "table:not(.log) td:first-child { white-space: normal; overflow-wrap: anywhere" in written  # a long name widens no page
    assert ".decision::details-content { content-visibility: visible" in written  # nobody can unfold paper
    assert [attrs for tag, attrs in read.elements if tag == "details" and attrs.get("class") == "decision"]
    assert not re.findall(r"#0102\d\d|#01020[0-9]", written)  # all colours of the drawings are the page's variables
    assert "stroke: var(--candidate)" in written and "fill: var(--ink)" in written
    assert not [attrs for tag, attrs in read.elements if tag == "svg" and ("width" in attrs or "height" in attrs)]


def test_a_release_without_a_trail_has_exposure_events_and_verdicts(bare: Release):
    found = Reader(html(bare))
    words = " ".join(found.words)
    assert "No counts were kept" in words and "Events" in words and "errors say FAIL" in words
    assert len([tag for tag, _ in found.elements if tag == "svg"]) == 2


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_way_that_a_release_can_stand_makes_a_page(name: str):
    scene = SCENES[name]()
    found = Reader(report(scene.release, "html", scene.now).decode())
    assert scene.release.id in "".join(found.words)


def test_a_release_of_which_nothing_is_known_is_a_page_too(bare: Release):
    assert "Nothing was verified or counted" in html(replace(bare, journal=(), checks=()))


def test_the_largest_release_makes_less_than_a_megabyte(released: Release):
    metrics = tuple(f"metric-{n}" for n in range(20))
    entry = next(entry for entry in released.journal if entry.kind == "verdict")
    long = tuple(replace(entry, seq=100 + n, at=entry.at + n) for n in range(400))
    release = replace(released, trail=points(released.started, 12 * 3600, metrics), journal=(*released.journal, *long))
    assert len(html(release)) < 1_000_000


def test_links_go_to_the_run_that_began_it_and_to_prometheus(released: Release):
    provider = PluginSpec("prometheus", {"url": "https://prometheus.example.com/prefix/"})
    spec = replace(released.spec, analysis=replace(released.spec.analysis, provider=provider))
    release = replace(released, spec=spec, actor="mira https://ci.example.com/runs/7")
    found = {link.text: link.url for link in links(release, release.ended)}
    assert found["what started it"] == "https://ci.example.com/runs/7"
    graph = found["errors in Prometheus"]
    assert graph.startswith("https://prometheus.example.com/prefix/graph?g0.expr=sum+by+%28pod%29")
    assert "namespace%3D%22shop%22" in graph
    assert set(found.values()) <= {attrs.get("href") for _, attrs in Reader(html(release)).elements}


def test_a_link_to_a_free_query_asks_for_the_pods_of_the_release(released: Release):
    query = QueryMetric("queue", "max(depth{{candidate}}) / max(depth{{stable}})", max=2)
    provider = PluginSpec("prometheus", {"url": "https://prometheus.example.com"})
    spec = replace(released.spec, analysis=replace(released.spec.analysis, provider=provider, metrics=(query,)))
    (link,) = links(replace(released, spec=spec, actor="mira"), released.ended)
    asked = parse_qs(urlsplit(link.url).query)["g0.expr"][0]
    assert f'pod=~"web-candidate-{released.candidate_hash}-.*"' in asked and f'pod=~"web-{released.snapshot.hash}-.*"' in asked
    assert "{{" not in asked


@pytest.mark.parametrize("url", ["https://user:secret@example.com/x", "javascript:alert(1)", "https://[broken"])
def test_no_link_carries_a_password_or_runs_something(released: Release, url: str):
    release = replace(released, actor=f"mira {url}")
    assert links(release, release.ended) == ()
