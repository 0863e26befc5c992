"""The suite that every metric provider passes, against pods of the embedded cluster."""

from collections.abc import Iterator
from typing import Any

import pytest
from pod_scrape import PodScrape, PodScrapeOptions, exposition

from deliver.cluster.port import Access
from deliver.plugins.interfaces import Reach
from deliver.testing import MetricProviderContract
from deliver_sandbox.live import live

NOBODY = 1  # a port of this machine that nobody listens on


@pytest.fixture(scope="module")
def pods() -> Iterator[tuple[str, str]]:
    """The API's address, and the names of its pods as a matcher has them."""
    with live(speed=10) as (world, door):
        yield door.url, "|".join(one["metadata"]["name"] for one in world.api.list("pods", "shop"))


class TestPodScrape(MetricProviderContract):
    plugin = PodScrape
    unknown = 'no_such_series{namespace="shop",pod=~""}'
    wrong = "rate(http_requests_total[1m])"

    @pytest.fixture(autouse=True)
    def _pods(self, pods: tuple[str, str]) -> None:
        self.url, names = pods
        type(self).selector = f'http_requests_total{{namespace="shop",pod=~"{names}"}}'
        type(self).query = f"sum({self.selector})"

    def _made(self, url: str) -> Any:
        def pod(namespace: str, name: str, port: int, scheme: str) -> Access:
            return Access(f"{url}/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy", dict)

        return PodScrape(PodScrapeOptions(), Reach(lambda address: Access("", dict), pod))

    def alive(self) -> Any:
        return self._made(self.url)

    def dead(self) -> Any:
        provider = self._made(f"http://127.0.0.1:{NOBODY}")
        provider.now = lambda timeout: provider.raw(self.selector, 60.0, timeout) and 0.0  # its clock is this machine's, and never away
        return provider


def test_the_text_format_is_read_with_its_escapes():
    text = '# HELP x\nhttp_requests_total{code="200",path="/a\\"b"} 3\nup 1\nbroken{ 2\nnan NaN\n'
    assert list(exposition(text)) == [
        ({"__name__": "http_requests_total", "code": "200", "path": '/a\\"b'}, 3.0),
        ({"__name__": "up"}, 1.0),
    ]
