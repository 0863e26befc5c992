"""Ready endpoints, counted by the version that they run."""

from dataclasses import replace

from deliver.model.observation import RouteSeen
from deliver.traffic import endpoints
from tests.engine.core.states import BEGUN, HOME, pods
from tests.engine.rig import GOOD

OLD = "registry/web:1.0.0"


class Look:
    """Service web with these endpoints; the pods of strangers as objects."""

    def __init__(self, uids: list[str], strangers: dict[str, str]) -> None:
        ends = [{"conditions": {"ready": True}, "targetRef": {"uid": uid}} for uid in uids]
        labels = {"kubernetes.io/service-name": "web"}
        service = BEGUN.snapshot.services[0]
        self.objects = {
            "services": [{"metadata": {"name": "web", "uid": service.uid}, "spec": {"selector": dict(service.selector)}}],
            "endpointslices": [{"metadata": {"name": "web-1", "labels": labels}, "addressType": "IPv4", "endpoints": ends}],
            "pods": [
                {"metadata": {"name": uid, "uid": uid}, "spec": {"containers": [{"image": image}]}} for uid, image in strangers.items()
            ],
        }

    def get(self, kind: str, name: str):
        return next((one for one in self.objects[kind] if one["metadata"]["name"] == name), None)

    def list(self, kind: str):
        return self.objects[kind]


def counts(found: RouteSeen) -> tuple[int, int, int]:
    return found.stable, found.candidate, found.other


def test_endpoints_are_counted_by_what_they_run_whoever_made_the_pod():
    own = pods(3, HOME, images=(OLD,)) + pods(2, "rolled", images=(GOOD,)) + pods(1, "restarted", images=(OLD,))
    strangers = {"job": "registry/tool:1", "twin": f"{GOOD}@sha256:0"}
    look = Look([*(pod.uid for pod in own), *strangers, "gone"], strangers)
    assert counts(endpoints.read(look, BEGUN, own, ())) == (3, 3, 3)
    pinned_by_hash = replace(BEGUN, new_hash="restarted")
    assert counts(endpoints.read(look, pinned_by_hash, own, ())) == (3, 4, 2)
