"""What is said of a release whose exposure is a share of users, moved by a feature flag."""

from deliver.formatting.formats import clock, finite, percent
from deliver.formatting.sanitize import clean, markdown
from deliver.model.journal import Entry
from deliver.model.observation import NO_FLAG, FlagState, Observation
from deliver.model.release import Direction, Outcome, Phase, Release
from deliver.render.words import View, Words

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
    state, before = seen.flag.state if seen else None, release.snapshot.flag
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
    flag = seen.flag if seen else NO_FLAG
    state = flag.state
    ack = flag.ack if state and flag.acked_revision == state.revision else None
    return {
        "name": plan.flag,
        "backend": plan.backend.kind,
        "serves": finite(state.percent) if state else None,
        "confirmed": {"acked": ack.acked, "total": ack.total, "missing": list(ack.missing)} if ack else None,
        "evaluated": finite(ack.percent) if ack else None,
        "detail": flag.error or (ack.disagree or ack.how if ack else "") or None,
        "off": (state.off if state else "") or None,
        "besides": (state.besides if state else "") or None,
        "left": list(release.flag_left),
    }


def key(release: Release) -> str:
    return release.plan.flag.flag if release.plan.flag else ""


def quoted(release: Release) -> str:
    return f"flag `{clean(key(release))}`" if release.plan.flag else "the flag"


def off_since(view: View, at: float) -> str:
    flag = view["flag"]
    how = "by evaluation" if flag["confirmed"] and flag["confirmed"]["total"] else "by the flag system alone: nobody could be asked"
    by = " by this release" if flag["serves"] != 0 or flag["besides"] else ""
    return f"no user gets the treatment{by} since {clock(at)} UTC, {how}"


def served(entry: Entry, release: Release) -> str:
    known = "percent" in entry.numbers
    share = f"serves {entry.numbers['percent']:g} %" if known else f"gives the treatment to nobody ({entry.subject})"
    return f"flag {key(release)} {share}: {entry.reason}"


def name(flag: View) -> str:
    return f"flag `{flag['name']}` ({flag['backend']})"


def traffic(view: View) -> str:
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


def waiting_for(release: Release, seen: Observation | None) -> str:
    if release.course is Direction.ROLLING_BACK:
        return "the safe variant to be served to everyone"
    if release.phase in (Phase.PREPARING, Phase.SHIFTING):
        return f"{release.current.name} of the users to be served by every instance"
    return ""


FLAG = Words(
    changed="flag",
    measure="by the flag",
    shifting="raising to",
    exposed="{} of users get the treatment",
    never_exposed="no user ever had the treatment",
    undo_notes="the note on the Deployment",
    step_pods="users",
    step_pods_title="of",
    planned_titles=("step", "users"),
    planned_right=(1, 2),
    planned=lambda number, step: (str(number), percent(step["weight"])),
    services=lambda view: [],
    released=lambda release, arrow: f"flag {key(release)}",
    released_short=lambda release: f"flag {clean(key(release))}",
    released_markdown=lambda view: f"flag {markdown(view['flag']['name'])}",
    change=lambda view, style: name(view["flag"]),
    reverted=lambda release: f"flag {key(release)} back",
    meaning=meaning,
    waiting_for=waiting_for,
    arms=lambda release: {"stable": "pods"},
    traffic=traffic,
    share=lambda release, seen: finite(seen.flag.state.percent) if seen.flag.state else None,  # None, too: there is no such thing
    measured_by=lambda view: "by the flag",
    traffic_off=lambda reason: f"the flag gives nobody the treatment: {reason}" if reason else "no user gets the treatment any more",
    off_since=off_since,
)
