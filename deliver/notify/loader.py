"""Makes the notifiers that a ReleaseSpec names under `notify`."""

from collections.abc import Mapping
from typing import Any

from deliver.model.spec import NotifySpec
from deliver.notify.dispatcher import Subscriptions
from deliver.plugins import registry


def load_notifiers(specs: tuple[NotifySpec, ...], environ: Mapping[str, str]) -> Subscriptions:
    """Raises InputError for one that cannot work."""
    made = []
    for spec in specs:
        plugin: Any = registry.load("deliver.notifiers", spec.notifier.kind)
        made.append(
            (spec.notifier.kind, frozenset(spec.events), plugin(plugin.Options.model_validate(dict(spec.notifier.options)), environ))
        )
    return tuple(made)
