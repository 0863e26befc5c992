"""Before a release with a preview: the user's preview Service, or whether one can be made."""

from collections.abc import Mapping

from deliver.cluster import services
from deliver.model.errors import InputError
from deliver.model.frozen import replace
from deliver.model.names import HASH, RELEASE_LABEL
from deliver.model.objects import Object
from deliver.model.plan import Plan
from deliver.model.release import ServiceSnapshot, Snapshot
from deliver.model.spec import Target
from deliver.plugins.interfaces import Finding, Reader


def preview_rights(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What a release needs for it, beside the rights of every release."""
    return (("create", "services"),) if plan.preview_made else ()


def with_preview(snapshot: Snapshot, look: Reader, target: Target, plan: Plan, labels: Mapping[str, str]) -> tuple[Snapshot, list[Finding]]:
    """With the user's preview Service, if there is one. Raises InputError. labels: of the live pods."""
    service, findings = find_preview(look, target, plan, labels)
    return replace(snapshot, preview=service), findings


def find_preview(look: Reader, target: Target, plan: Plan, labels: Mapping[str, str]) -> tuple[ServiceSnapshot | None, list[Finding]]:
    """(the user's preview Service, what forbids it). Raises InputError for one that is not there or cannot be one."""
    name = plan.preview
    service = look.get("services", name) if name else None
    if not name or (plan.preview_made and service is None):
        return None, []
    where = f"deliver blue-green {target.deployment} -n {target.namespace}"
    if plan.preview_made and service is not None:
        if RELEASE_LABEL in (service["metadata"].get("labels") or {}):
            text = f"Service {name} is the preview of a release that is over"
            return None, [Finding("leftover", "refuse", text, f"`kubectl delete service {name} -n {target.namespace}`, then again")]
        raise InputError(
            f"Service `{name}` exists already, and a preview Service of that name would be made",
            why="it is not known whose it is",
            hint=f"`{where} --preview-service {name}` uses it for the release; or choose another name",
        )
    if service is None:
        near = ", ".join(sorted(one["metadata"]["name"] for one in look.list("services"))) or "none"
        raise InputError(
            f"preview Service `{name}` does not exist in namespace `{target.namespace}`",
            why=f"Services there: {near}",
            hint="leave --preview-service out: one is made for the release, and deleted at its end",
        )
    _usable(service, labels)
    return ServiceSnapshot.of(service), []


def _usable(service: Object, labels: Mapping[str, str]) -> None:
    """Raises InputError."""
    name, spec = service["metadata"]["name"], service["spec"]
    hint = "leave --preview-service out: one is made for the release, and deleted at its end"
    if not spec.get("selector") or spec.get("type") == "ExternalName":
        raise InputError(f"Service `{name}` cannot be a preview: it has no selector", why="its endpoints are not found by pods", hint=hint)
    if services.selects(service, labels):
        raise InputError(
            f"Service `{name}` cannot be a preview: it selects the live pods",
            why=f"its selector is {services.shown(spec['selector'])}; whoever uses it would be moved to a version nobody has checked",
            hint=f"give it a selector that no live pod has, such as one more label; or {hint}",
        )
    if HASH in spec["selector"] or RELEASE_LABEL in spec["selector"]:
        raise InputError(
            f"Service `{name}` cannot be a preview: its selector is what a release made of it",
            why=f"it is {services.shown(spec['selector'])}",
            hint="wait for the end of that release; put its own selector back if there is none",
        )
