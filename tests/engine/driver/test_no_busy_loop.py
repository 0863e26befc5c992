"""Whatever is decided: an action that is taken again and again within a second waits for the next one."""

import pytest

from deliver.engine.core import rollback
from deliver.engine.runtime.driver import MAX_TRIES, REPEAT_AFTER
from deliver.model.action import Verb
from deliver.model.journal import done
from deliver.model.release import Outcome
from tests.engine.rig import Rig, in_step


def test_two_goals_that_undo_each_other_do_not_fill_the_journal(monkeypatch: pytest.MonkeyPatch):
    """A planted fault: the selectors are given back, and the next goal takes them away again, with something else in between."""
    monkeypatch.setattr(rollback, "LIMIT", 20.0)
    monkeypatch.setattr(rollback, "ensure_no_remaining_pods", lambda *args: None)
    whole = rollback.ensure_traffic_on_stable

    def never_whole(release, stable, seen, now):  # as if a template that was changed stood there for ever
        if seen.candidate is None and not seen.route.pinned:
            return rollback.move_to_stable(release, stable, seen, now)
        return whole(release, stable, seen, now)

    monkeypatch.setattr(rollback, "ensure_traffic_on_stable", never_whole)
    rig = Rig.make()
    rig.when(in_step(1), lambda: rig.verb("rollback"))
    release = rig.run()
    assert release.outcome is Outcome.ROLLBACK_FAILED
    moves = done(release.journal, Verb.RESTORE_ROUTE, release.since)
    assert len(moves) > MAX_TRIES, "it did go on"
    assert len(moves) <= 20.0 / REPEAT_AFTER * MAX_TRIES + MAX_TRIES
