"""A draft, checked by the models and by the plugins it names, as a ReleaseSpec."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from deliver.config.document import Path
from deliver.config.draft import Draft
from deliver.config.metrics import LatencyModel, QueryModel, RatioModel
from deliver.config.models import AnalysisModel, FileModel, LimitsModel, TargetModel
from deliver.config.plan_check import try_plan
from deliver.config.problems import raise_for, unknown
from deliver.model import defaults
from deliver.model.errors import InputError
from deliver.model.spec import Analysis, Limits, NotifySpec, PluginSpec, ReleaseSpec, Target
from deliver.plugins import registry
from deliver.plugins.interfaces import moves_users
from deliver.plugins.notifiers import EVENTS
from deliver.plugins.types import WRITTEN

FAMILIES = {
    "deliver.strategies": "strategy",
    "deliver.routers": "router",
    "deliver.checks": "health check",
    "deliver.flags": "flag system",
    "deliver.notifiers": "notifier",
}
_METRIC_KEYS = sorted({*RatioModel.model_fields, *LatencyModel.model_fields, *QueryModel.model_fields})


def build(draft: Draft) -> ReleaseSpec:
    """Raises InputError; namespace stays "" where neither file nor option names one."""
    file, provider = _file(draft)
    if not file.strategy:
        names = ", ".join(registry.names("deliver.strategies")) or "none"
        raise InputError(
            "no strategy", why="neither the file nor an option names one", hint=f"add `strategy:` to the file; installed: {names}"
        )
    name, options = next(iter(file.strategy.items()))
    pods = moves_pods(name)
    if not pods and ("image",) in draft.flags:
        raise InputError("`--image` has no meaning here", why=f"strategy `{name}` moves users, not pods", hint="leave it out")
    if pods and not file.image:
        raise InputError(
            "no image", why="neither the file nor an option says what to release", hint="add `image:` to the file or --image REPO:TAG"
        )
    target = Target(file.target.namespace or "", file.target.deployment, file.target.all_services)
    return ReleaseSpec(
        target=target,
        image=(file.image or "") if pods else "",
        strategy=name,
        options=_strategy(name, options, target, draft),
        container=",".join(file.target.container or ()),
        router=_router(file, draft),
        analysis=_analysis(file.analysis, provider, draft),
        limits=Limits(**file.limits.model_dump()),
        allow_affinity=file.allow_affinity,
        allow_twice=file.allow_twice,
        history=file.history,
        notify=_notifiers(file, draft),
    )


def moves_pods(strategy: str) -> bool:
    """A release of a new image. One that moves users by a flag has none."""
    if strategy not in registry.names("deliver.strategies"):
        return True  # what is wrong with it is said where it is checked
    return not moves_users(registry.load("deliver.strategies", strategy))


def check(draft: Draft) -> str:
    """All that can be known without a cluster, of a file that options may still complete. Returns what is missing, "" for nothing."""
    section = draft.data.get("strategy")
    pods = all(map(moves_pods, section)) if isinstance(section, dict) else True
    missing = [key for key in (*(("image",) if pods else ()), "strategy") if not draft.data.get(key)]
    file, provider = _file(draft)
    for name, options in file.strategy.items():
        _strategy(name, options, Target(file.target.namespace or "", file.target.deployment), draft)
    _router(file, draft)
    _notifiers(file, draft)
    _analysis(file.analysis, provider, draft)
    return f"; still needed on the command line: {', '.join(missing)}" if missing else ""


def _strategy(name: str, options: Any, target: Target, draft: Draft) -> dict[str, Any]:
    path: Path = ("strategy", name)
    checked = _checked("deliver.strategies", name, options, path, draft)
    plan = try_plan(name, checked, target, lambda: draft.where(path, False))
    if plan and plan.flag:
        _backend(plan.flag.backend, (*path, "backend"), draft)
    return checked


def _backend(backend: PluginSpec, path: Path, draft: Draft) -> None:
    try:
        _checked("deliver.flags", backend.kind, dict(backend.options), path, draft)
    except InputError as error:
        raise InputError(error.what, why=error.why, hint=f"{error.hint}; on the command line: --set KEY=VALUE,...") from None


def _file(draft: Draft) -> tuple[FileModel, tuple[str, Any] | None]:
    """What the models know, and the metric provider with its options."""
    data = dict(draft.data)
    provider = _take_provider(data, draft)
    try:
        return FileModel.model_validate(data, context=WRITTEN), provider
    except ValidationError as error:
        raise_for(error, data=data, where=draft.where, keys=_keys)


def _keys(path: Path) -> Sequence[str]:
    """Which keys may stand at a path of the file, for suggestions."""
    if len(path) == 3 and path[:2] == ("analysis", "metrics"):
        return _METRIC_KEYS
    models: dict[Path, type[BaseModel]] = {(): FileModel, ("target",): TargetModel, ("limits",): LimitsModel}
    return list(models[path].model_fields) if path in models else []


def _take_provider(data: dict[str, Any], draft: Draft) -> tuple[str, Any] | None:
    """The metric provider's key stands beside the fixed ones under `analysis`; what is neither is unknown."""
    analysis = data.get("analysis")
    if not isinstance(analysis, dict):
        return None
    fixed, providers = list(AnalysisModel.model_fields), registry.names("deliver.metrics")
    others = [key for key in analysis if key not in fixed]
    for key in others:
        if key not in providers:
            what, hint = unknown(("analysis", key), [*fixed, *providers], draft.where)
            raise InputError(what, hint=hint)
    if len(others) > 1:
        where = draft.where(("analysis", others[1]), True)
        raise InputError(f"{where}two metric providers: `{others[0]}` and `{others[1]}`", hint="keep one")
    data["analysis"] = {key: value for key, value in analysis.items() if key in fixed}
    return (others[0], analysis[others[0]]) if others else None


def _router(file: FileModel, draft: Draft) -> PluginSpec:
    if file.router is None:
        return PluginSpec(defaults.ROUTER)
    if isinstance(file.router, str):
        name, options, path = file.router, None, ("router",)
    elif len(file.router) == 1:
        name, options = next(iter(file.router.items()))
        path = ("router", name)  # type: ignore[assignment]  # a path of two words after one of one
    else:
        raise InputError(f"{draft.where(('router',), False)}`router` names one router", hint=f"e.g. `router: {defaults.ROUTER}`")
    return PluginSpec(name, _checked("deliver.routers", name, options, path, draft))


def _analysis(model: AnalysisModel, provider: tuple[str, Any] | None, draft: Draft) -> Analysis:
    if model.metrics and provider is None:
        path: Path = ("analysis", "metrics")
        hint = "add `prometheus: {service: NAMESPACE/NAME:PORT}` (or `url:`) under `analysis`, or --prometheus"
        raise InputError(f"{draft.where(path, False)}metrics without a place to ask", why="no metric provider is named", hint=hint)
    found = None
    if provider:
        path = ("analysis", provider[0])
        found = PluginSpec(provider[0], _checked("deliver.metrics", provider[0], provider[1], path, draft))
    return Analysis(
        provider=found,
        metrics=tuple(metric.spec() for metric in model.metrics),
        health=tuple(_health(entry, index, draft) for index, entry in enumerate(model.health)),
        poll=model.poll,
        warmup=model.warmup,
        max_staleness=model.max_staleness,
        max_blind=model.max_blind,
        on_blind=model.on_blind,
        alpha=model.false_alarms,
        prove=0.0 if model.prove == "nothing" else model.prove,
        acceptable=model.acceptable,
        inconclusive=model.inconclusive,
        history=model.history,
    )


def _health(entry: dict[str, Any], index: int, draft: Draft) -> PluginSpec:
    path: Path = ("analysis", "health", index)
    if len(entry) != 1:
        raise InputError(f"{draft.where(path, False)}a health check names one kind", hint="e.g. `- http: {path: /healthz, port: 8080}`")
    kind, options = next(iter(entry.items()))
    return PluginSpec(kind, _checked("deliver.checks", kind, options, (*path, kind), draft))


def _notifiers(file: FileModel, draft: Draft) -> tuple[NotifySpec, ...]:
    return tuple(_notifier(entry, index, draft) for index, entry in enumerate(file.notify))


def _notifier(entry: dict[str, Any], index: int, draft: Draft) -> NotifySpec:
    path: Path = ("notify", index)
    kinds = [key for key in entry if key != "on"]
    if len(kinds) != 1:
        hint = "e.g. `- {webhook: {url_env: RELEASE_HOOK}, on: [rolled-back, rollback-failed]}`"
        raise InputError(f"{draft.where(path, False)}an entry of `notify` names one notifier", hint=hint)
    events = entry.get("on") or []
    if not isinstance(events, list) or (bad := [one for one in events if one not in EVENTS]):
        what = f"`{str(bad[0])[:40]}` is no event" if isinstance(events, list) else "`on` must be a list"
        raise InputError(f"{draft.where((*path, 'on'), False)}{what}", hint=f"events: {', '.join(EVENTS)}")
    options = _checked("deliver.notifiers", kinds[0], entry[kinds[0]], (*path, kinds[0]), draft)
    return NotifySpec(PluginSpec(kinds[0], options), tuple(events))


def _checked(group: str, name: str, options: Any, path: Path, draft: Draft) -> dict[str, Any]:
    """The options as written, once the plugin's own model takes them. Plain data goes into the record, so that anyone can read it back."""
    if name not in registry.names(group):
        candidates = registry.names(group)
        if candidates:
            family = FAMILIES.get(group, "plugin")
            close = get_close_matches(name, candidates, n=1, cutoff=0.6)
            hint = f"did you mean `{close[0]}`?" if close else f"installed: {', '.join(candidates)}"
            raise InputError(f"{draft.where(path, len(path) > 1)}unknown {family} `{name[:60]}`", hint=hint)
    model: type[BaseModel] = registry.load(group, name).Options
    data = {} if options is None else options
    if not isinstance(data, dict):
        raise InputError(f"{draft.where(path, False)}the options of `{name}` must be a mapping")
    if model.model_config.get("extra") != "allow":  # pydantic's default is to drop them in silence
        known = {*model.model_fields, *(field.alias for field in model.model_fields.values() if field.alias)}
        for key in data:
            if key not in known:
                what, hint = unknown((*path, key), sorted(known), draft.where)
                raise InputError(what, hint=hint)
    try:
        model.model_validate(data, context=WRITTEN)
    except ValidationError as error:
        raise_for(error, data=data, where=draft.where, keys=lambda at: _model_keys(model, at, path), prefix=path)
    return dict(data)


def _model_keys(model: type[BaseModel], at: Path, prefix: Path) -> Sequence[str]:
    """Keys of the plugin's model at a path below its own; nested models are found by their field's annotation."""
    for element in at[len(prefix) :]:
        if isinstance(element, str) and element in model.model_fields:
            nested = _inner(model.model_fields[element].annotation)
            if nested is None:
                return []
            model = nested
    return list(model.model_fields)


def _inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in getattr(annotation, "__args__", ()) if (found := _inner(arg))), None)
