"""Fresh requests through a Service: do they come through, and are they answered as a healthy pod answers?"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from deliver.cluster.port import Access
from deliver.health.client import Answer, Request, judged, send
from deliver.health.http import HttpOptions, judge_reply
from deliver.plugins.interfaces import Probe

AT_ONCE = 5


def send_fresh_requests(access: Access, options: Any, where: str, times: int, timeout: float) -> Probe:
    """options: of a check that names a path. `times` requests, each on a connection of its own."""
    began, query = time.monotonic(), f"GET {options.scheme}://{where}{options.path} (proxy), {times} times"
    well = {"port": options.port, "status": tuple(range(200, 400))}  # as the load counts it
    expected = options if isinstance(options, HttpOptions) else HttpOptions.model_validate(well)
    request = Request(options.path, headers=getattr(options, "headers", None))

    def once(_: int) -> Answer:
        return judged(lambda: judge_reply(send(access, request, timeout / 2, proxied=True), expected))

    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="deliver-ask") as pool:
        answers = list(pool.map(once, range(times)))
    took, good = time.monotonic() - began, sum(ok is True for ok, _ in answers)
    wrong = next((text for ok, text in answers if ok is False), "")
    unknown = next((text for ok, text in answers if ok is None), "")
    if wrong:
        return Probe(False, f"{good} of {times} fresh requests came through: {wrong}", query, took)
    if unknown:
        return Probe(None, unknown, query, took)
    return Probe(True, f"{times} of {times} fresh requests came through", query, took)
