"""What is said of a release whose exposure is a share of users, moved by a feature flag."""

from typing import Any

from deliver.model.observation import FlagState, Observation
from deliver.model.release import Direction, Outcome, Phase, Release
from deliver.text.formats import finite, percent
from deliver.text.sanitize import clean

View = dict[str, Any]
MEANING = {
    Outcome.PROMOTED: "every user gets the treatment",
    Outcome.HELD: "nothing more happens until a person decides",
    Outcome.ROLLBACK_FAILED: "users may still get the treatment: page someone",
}


def meaning(release: Release, seen: Observation | None) -> str:
    """What the end means to users, by what was read back at that moment."""
    assert release.outcome is not None  # an end has one
    if release.outcome is not Outcome.ROLLED_BACK:
        return MEANING[release.outcome]
    state, before = seen.flag.state if seen and seen.flag else None, release.snapshot.flag
    same = state is not None and before is not None and state.document == before.document
    own = "the flag is as it stood before" if same else "what this release wrote is taken back"
    return f"{_who(state)}, and {'what somebody else changed in the flag stays' if release.flag_left else own}"


def _who(state: FlagState | None) -> str:
    if state is not None and state.percent == 0.0 and not state.besides:
        return "every user gets the safe variant again"
    if state is not None and state.off:
        return "nobody gets the treatment from the flag any more"
    others = f"; {clean(state.besides) or 'a rule of somebody else'} may give it to some" if state is not None else ""
    return f"no user gets the treatment by this release any more{others}"


def flag_view(release: Release, seen: Observation | None) -> View | None:
    """name, backend; serves: percent of users, as read back; confirmed: instances that serve it; evaluated: percent of made-up users.

    off: why the flag system gives it to nobody; besides: what else gives it to somebody; left: what a rollback left as somebody else's.
    None for a release that moves traffic.
    """
    plan = release.plan.flag
    if plan is None:
        return None
    flag = seen.flag if seen else None
    state = flag.state if flag else None
    ack = flag.ack if flag and flag.state and flag.acked_revision == flag.state.revision else None
    return {
        "name": plan.flag,
        "backend": plan.backend.kind,
        "serves": serves(seen),
        "confirmed": {"acked": ack.acked, "total": ack.total, "missing": list(ack.missing)} if ack else None,
        "evaluated": finite(ack.percent) if ack else None,
        "detail": (flag.error if flag else "") or (ack.disagree or ack.how if ack else "") or None,
        "off": (state.off if state else "") or None,
        "besides": (state.besides if state else "") or None,
        "left": list(release.flag_left),
    }


def serves(seen: Observation | None) -> float | None:
    """Percent of users by the flag's own definition; None: not read, or no such thing."""
    state = seen.flag.state if seen and seen.flag else None
    return finite(state.percent) if state else None


def name(flag: View) -> str:
    return f"flag `{flag['name']}` ({flag['backend']})"


def serving_text(view: View) -> str:
    """`flag new-checkout serves 25 % of users, confirmed by 4 of 4 pods, 24.8 % of made-up users get it`."""
    flag = view["flag"]
    if flag["off"]:
        return f"{name(flag)}: {flag['off']}"
    if flag["serves"] is None:
        return f"{name(flag)}: not read{': ' + flag['detail'] if flag['detail'] else ''}"
    return f"{name(flag)} serves {percent(flag['serves'])} of users{proof(flag)}"


def proof(flag: View) -> str:
    """`, confirmed by 4 of 4, ...`; what is not known is said too."""
    if flag["confirmed"] is None:
        return ", not confirmed by evaluation" + (f" ({flag['detail']})" if flag["detail"] else "")
    acked, total = flag["confirmed"]["acked"], flag["confirmed"]["total"]
    evaluated = f", {percent(flag['evaluated'])} of made-up users get it" if flag["evaluated"] is not None else ""
    if not total:
        return f", nobody can be asked{': ' + flag['detail'] if flag['detail'] else ''}"
    missing = flag["confirmed"]["missing"]
    behind = f", not by {', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}" if missing else ""
    return f", confirmed by {acked} of {total}{behind}{evaluated}"


def waiting_for(release: Release) -> str:
    """What a flag release waits for, where it is not a person; "" where any release says the same."""
    if release.course is Direction.ROLLING_BACK:
        return "the safe variant to be served to everyone"
    if release.phase in (Phase.PREPARING, Phase.SHIFTING):
        return f"{release.current.name} of the users to be served by every instance"
    return ""
