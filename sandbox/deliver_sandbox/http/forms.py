"""The forms of an answer that a client may ask for beside the object itself."""

from deliver.model.objects import Object
from deliver_sandbox.errors import ApiError
from deliver_sandbox.http.paths import Request

_KNOWN = ("application/json", "application/*", "*/*", "")
_OFFERED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


def check(request: Request) -> None:
    """Raises ApiError 406 when the client takes nothing that the sandbox can give. It always gives JSON."""
    asked = [part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
    if not any(item in _KNOWN for item in asked):
        text = f"406: Not Acceptable\n\nAvailable representations: {_OFFERED}"
        raise ApiError(406, "NotAcceptable", text, {})


def wants_metadata(request: Request) -> bool:
    return "as=PartialObjectMetadata" in request.headers.get("accept", "").replace(" ", "")


def metadata_only(answer: Object) -> Object:
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    if "items" not in answer or not str(answer.get("kind", "")).endswith("List"):
        return {**head, "metadata": answer["metadata"]}
    items = [{**head, "metadata": item["metadata"]} for item in answer["items"]]
    return {**head, "kind": "PartialObjectMetadataList", "metadata": answer["metadata"], "items": items}
