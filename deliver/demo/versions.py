"""Scenarios about the version: a good one, and four ways of being bad."""

from deliver.demo.stage import Stage
from deliver.model.exitcodes import ExitCode
from deliver.model.release import Outcome


def healthy(stage: Stage) -> None:
    new = stage.good
    stage.say(
        f"Version {new} is fine. A second Deployment `web-candidate` comes up beside the stable pods, and the Service sends it 20 %, "
        "then 50 %, then 100 % of the traffic. A step ends only after a PASS on fresh data; too few requests to judge is BLIND, and "
        "BLIND waits. The old pods stay, full size, until the last step has passed."
    )
    stage.types(f"run --image registry/web:{new}", ExitCode.PROMOTED, means="promoted")
    stage.promoted(new)


def _taken_back(stage: Stage, bad: str) -> None:
    stage.types(f"run --image registry/web:{bad}", ExitCode.ROLLED_BACK)
    stage.taken_back()


def errors(stage: Stage) -> None:
    stage.say(
        f"Version 2.0.0-errors answers every fifth request with a 500. `deliver` counts the requests of each side in Prometheus: over 1 % "
        f"bad, and the traffic goes back to {stage.stable} with one write. No pod has to start for that: the stable ones never left."
    )
    _taken_back(stage, "2.0.0-errors")


def slow(stage: Stage) -> None:
    stage.say(
        "Version 2.0.0-slow answers every request correctly, after 400 ms. No error, no restart, all pods ready: only the histogram of "
        "response times shows it. The limit is 5 % of requests above 250 ms."
    )
    _taken_back(stage, "2.0.0-slow")


def crash(stage: Stage) -> None:
    stage.say(
        "Version 2.0.0-crash exits as soon as it starts. That is a fact and needs no statistics: the API server reports it, and the "
        "release ends before a single user has met the version. The last lines of its log are part of the answer."
    )
    _taken_back(stage, "2.0.0-crash")
    stage.never_served("2.0.0-crash")


def blind(stage: Stage) -> None:
    stage.say(
        f"Version {stage.good} is fine, but in the first step Prometheus goes away. No data is never a PASS: the exposure stays where it "
        "is, and after 4 seconds (--max-blind; 5 minutes otherwise) the release is held for a person."
    )
    child = stage.start(f"run --image registry/web:{stage.good} --max-blind 4s")
    child.until(stage.baking(1))
    stage.prometheus("dial tcp 198.18.7.7:9090: connect: connection refused")
    stage.ends(child, ExitCode.HELD)
    stage.outcome(Outcome.HELD)
    stage.teller.gap()
    stage.say("You decide to take it back. A rollback asks nobody but the API server, so it works with Prometheus still down:")
    stage.types("rollback web --reason 'no metrics'", ExitCode.PROMOTED)
    stage.prometheus("")
    stage.taken_back()


def killed_driver(stage: Stage) -> None:
    new = stage.good
    stage.say(
        f"Version {new} is fine, but the process that releases it is killed in the second step, with SIGKILL: as if the CI runner had lost "
        "its power. Users notice nothing, because the traffic is moved by Kubernetes, and the state of the release is in the cluster."
    )
    child = stage.start(f"run --image registry/web:{new}")
    child.until(stage.baking(2))
    stage.wait(stage.pace.bake / 3)
    child.kill()
    stage.teller.show_cursor()
    stage.teller.gap()
    stage.ends(child, -9)
    stage.teller.gap()
    stage.say("The release stands where it was; any machine with a kubeconfig can see it:")
    stage.types("status web", ExitCode.PROMOTED)
    stage.teller.gap()
    stage.say(
        "And any machine can go on. `resume` first watches the dead driver's lock for 15 seconds, because two drivers at once would be "
        "worse than one who waits; then it drives the release to its end."
    )
    stage.types("resume web", ExitCode.PROMOTED, actor="colleague@laptop", means="promoted")
    stage.promoted(new)


def two_drivers(stage: Stage) -> None:
    new = stage.good
    stage.say(
        f"You release version {new}. In the first step a pipeline wants to release something else to the same Deployment. One target has "
        "one driver: the second is told who has it, changes nothing, and its exit code says so."
    )
    child = stage.start(f"run --image registry/web:{new}")
    child.until(stage.baking(1))
    other = stage.start("run --image registry/web:2.0.0-errors", actor="pipeline #4711", quiet=True)
    refused = other.end()
    stage.ends(child, ExitCode.PROMOTED, "promoted")
    stage.outcome(Outcome.PROMOTED)
    stage.teller.gap()
    stage.say("Meanwhile, at the pipeline:")
    stage.teller.command("deliver run --image registry/web:2.0.0-errors")
    stage.teller.verbatim(other.said)
    stage.exited(refused, ExitCode.LOCKED)
    stage.never_served("2.0.0-errors")
    stage.nothing_lost()
    stage.served_by(new)


def foreign_edit(stage: Stage) -> None:
    stage.say(
        f"You release version {stage.good}. In the first step a colleague types `kubectl set image deployment/web web=registry/web:1.2.0`. "
        "Rolling the stable pods away under the traffic would be an outage, so the Deployment is paused during a release, and `deliver` "
        "holds: it does not guess whose wish counts."
    )
    child = stage.start(f"run --image registry/web:{stage.good}")
    child.until(stage.baking(1))
    stage.kubectl_set_image("registry/web:1.2.0")
    stage.ends(child, ExitCode.HELD)
    stage.outcome(Outcome.HELD)
    stage.teller.gap()
    stage.say("You take the release back first, and talk then:")
    stage.types("rollback web --reason 'talk first'", ExitCode.PROMOTED)
    stage.taken_back()
