"""What httpx is told of a request that went over the connections of the cluster."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from deliver.cluster.port import Access
from deliver.http.client import Client, NoAnswer


def over(pool: urllib3.PoolManager) -> Callable[..., Any]:
    def send(method: str, url: str, **how: Any) -> Any:
        return pool.urlopen(method, url, retries=False, redirect=False, preload_content=False, **how)

    return send


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where a connection stands and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def failed(url: str, pool: urllib3.PoolManager) -> NoAnswer:
    with Client.to(Access(url, dict, over(pool))) as client, pytest.raises(NoAnswer) as caught:
        client.send("GET", url, headers={}, timeout=0.3, largest=100)
    return caught.value


def test_refused_is_no_connection(closed: int) -> None:
    error = failed(f"http://127.0.0.1:{closed}/", urllib3.PoolManager())
    assert not error.connected and not error.timed_out and "refused" in str(error)


def test_silence_is_a_time_out_of_a_connection_that_stood(silent: int) -> None:
    error = failed(f"http://127.0.0.1:{silent}/", urllib3.PoolManager())
    assert error.connected and error.timed_out


def test_a_proxy_that_is_away_is_named(closed: int) -> None:
    error = failed("https://api.invalid/", urllib3.ProxyManager(f"http://me:s3cret@127.0.0.1:{closed}"))
    assert not error.connected and "the proxy on the way" in str(error)
    assert "s3cret" not in str(error)
