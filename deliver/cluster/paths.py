"""Where each kind lives in the API."""

from urllib.parse import quote

from deliver.cluster.port import KINDS
from deliver.model.objects import Object


def group_of(kind: str) -> str:
    """The API group of a kind of KINDS, "" for the core group."""
    version = KINDS[kind][0]
    return version.partition("/")[0] if "/" in version else ""


def path(kind: str, namespace: str, name: str = "", subresource: str = "") -> str:
    """The URL path of a collection, an object or a subresource."""
    version, _, namespaced = KINDS[kind]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    parts = [root]
    if namespaced and namespace:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(kind)
    if name:
        parts.append(quote(name, safe=":"))
    if subresource:
        parts.append(quote(subresource, safe=""))
    return "/".join(parts)


def title(kind: str, namespace: str, name: str = "") -> str:
    """For messages: `services/web in shop`, `pods in shop`."""
    text = f"{kind}/{name}" if name else kind
    return f"{text} in {namespace}" if namespace else text


def typed(kind: str, obj: Object) -> Object:
    """Items of a list come without apiVersion and kind; put them back."""
    obj.setdefault("apiVersion", KINDS[kind][0])
    obj.setdefault("kind", KINDS[kind][1])
    return obj
