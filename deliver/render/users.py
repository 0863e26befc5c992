"""What is said of a release whose exposure is a share of users, moved by a feature flag."""

from typing import Any

from deliver.model.release import Course, Outcome, Phase, Release
from deliver.model.seen import Seen
from deliver.render.fmt import finite, percent

View = dict[str, Any]
MEANING = {
    Outcome.PROMOTED: "every user gets the treatment",
    Outcome.ROLLED_BACK: "every user gets the safe variant again, and the flag is as it stood before",
    Outcome.HELD: "nothing more happens until a person decides",
    Outcome.ROLLBACK_FAILED: "users may still get the treatment: page someone",
}


def flag_view(release: Release, seen: Seen | None) -> View | None:
    """name, backend; serves: percent of users, as read back; confirmed: instances that serve it; evaluated: percent of made-up users.

    None for a release that moves traffic.
    """
    plan = release.plan.flag
    if plan is None:
        return None
    flag = seen.flag if seen else None
    ack = flag.ack if flag and flag.state and flag.acked_revision == flag.state.revision else None
    return {
        "name": plan.flag,
        "backend": plan.backend.kind,
        "serves": serves(seen),
        "confirmed": {"acked": ack.acked, "total": ack.total, "missing": list(ack.missing)} if ack else None,
        "evaluated": finite(ack.percent) if ack else None,
        "detail": (flag.error if flag else "") or (ack.disagree or ack.how if ack else "") or None,
    }


def serves(seen: Seen | None) -> float | None:
    """Percent of users by the flag's own definition; None: not read, or no such thing."""
    state = seen.flag.state if seen and seen.flag else None
    return finite(state.percent) if state else None


def name(flag: View) -> str:
    return f"flag `{flag['name']}` ({flag['backend']})"


def told(view: View) -> str:
    """`flag new-checkout serves 25 % of users, confirmed by 4 of 4 pods, 24.8 % of made-up users get it`."""
    flag = view["flag"]
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
    if release.course is Course.BACK:
        return "the safe variant to be served to everyone"
    if release.phase in (Phase.PREPARING, Phase.SHIFTING):
        return f"{release.current.name} of the users to be served by every instance"
    return ""
