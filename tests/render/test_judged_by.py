"""What a release was judged by is said as it was."""

from dataclasses import replace

import pytest

from deliver.model.spec import Analysis, EvidenceMetric, PluginSpec
from deliver.render.judged_by import judged_line
from deliver.render.view import release_view
from tests.render.conftest import T0, begun

ERRORS, LATENCY = (EvidenceMetric(name, bad="x", total="y") for name in ("errors", "latency"))
HTTP = PluginSpec("http", {})


@pytest.mark.parametrize(
    ("analysis", "unproved", "line"),
    [
        (Analysis(), (), "its pods alone"),
        (Analysis(metrics=(ERRORS,)), (), "its pods and errors"),
        (Analysis(metrics=(ERRORS, LATENCY), health=(HTTP,)), (), "its pods, errors, latency and http check"),
        (Analysis(metrics=(ERRORS,)), ("errors",), "its pods; errors: too few requests to show it to be no worse"),
        (Analysis(metrics=(ERRORS, LATENCY)), ("latency",), "its pods and errors; latency: too few requests to show it to be no worse"),
    ],
)
def test_what_had_too_few_requests_is_not_what_it_was_judged_by(analysis: Analysis, unproved: tuple[str, ...], line: str) -> None:
    release = begun()
    release = replace(release, spec=replace(release.spec, analysis=analysis), unproved=unproved)
    assert judged_line(release_view(release, None, T0)) == line
