"""A release as one file. draw.py's matplotlib is imported here, and only when a report is asked for."""

from deliver.model.errors import InputError
from deliver.model.release import Release
from deliver.render.summary import result_word
from deliver.report import page
from deliver.report.chart import Chart, chart
from deliver.report.links import links

WIDE, NARROW = (9.0, 2.6), (3.9, 2.8)  # inches: of a panel on a desk, and on a phone


def report(release: Release, format: str, now: float) -> bytes:
    """Raises InputError where matplotlib is not installed."""
    can_draw()
    drawn = chart(release, now)
    if format == "html":
        return page.page(release, drawn, _drawings(drawn), links(release, now), now).encode()
    return _picture(release, drawn, format)


def can_draw() -> None:
    try:
        import matplotlib as mpl

        assert mpl.__version__
    except ImportError as error:
        raise InputError("a report needs matplotlib", why=f"it is not installed: {error}", hint="`pip install 'deliver[report]'`") from None


def _drawings(drawn: Chart) -> list[tuple[str, str]]:
    from deliver.report.draw import svg
    from deliver.report.inline import inline
    from deliver.report.palette import STAND_IN, variables
    from deliver.report.panels import panels

    found = []
    for panel in panels(drawn):
        sizes = []
        for name, (width, height) in (("wide", WIDE), ("narrow", NARROW)):
            salt = f"{panel.name}-{name}"
            made = svg([panel], drawn, STAND_IN, width=width, height=height, salt=salt)
            sizes.append(inline(variables(made), salt, panel.title, panel.alt))
        found.append((panel.title, page.drawing(*sizes)))
    return found


def _picture(release: Release, drawn: Chart, format: str) -> bytes:
    from deliver.report.draw import png, svg
    from deliver.report.inline import named
    from deliver.report.palette import PAPER
    from deliver.report.panels import panels

    found = panels(drawn)
    if not found:
        raise InputError(
            f"nothing of {release.id} can be drawn",
            why="no exposure was verified and no metric was counted",
            hint="`--format html` has its events and verdicts",
        )
    title = f"{release.id}: {result_word(release)[1]}"
    if format == "png":
        return png(found, drawn, PAPER, width=WIDE[0], height=WIDE[1], title=title)
    made = svg(found, drawn, PAPER, width=WIDE[0], height=WIDE[1], salt="deliver", title=title)
    return named(made, title, " ".join(panel.alt for panel in found)).encode()
