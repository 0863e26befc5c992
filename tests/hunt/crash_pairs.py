"""Crash pairs: two drivers die at sampled calls, a third ends the release; it must end where the run without a crash ends (rule 8)."""

from dataclasses import dataclass, replace
from random import Random

from tests.hunt.play import Play, Result
from tests.hunt.process_cluster import Kill
from tests.hunt.worlds import Start, Story

ENDS = {"good": "PROMOTED", "crash": "ROLLED_BACK", "errors": "ROLLED_BACK"}


@dataclass(frozen=True)
class Pair:
    """Which calls of the first and of the second driver are their last, and whether they took effect."""

    seed: int
    start: Start
    first: tuple[int, bool]
    second: tuple[int, bool]

    @classmethod
    def of(cls, seed: int) -> "Pair":
        random, slow = Random(f"pair {seed}"), Random(f"slow pair {seed}")
        start = Start(
            replicas=random.choice((1, 2, 4)),
            services=random.choice((("web",), ("web", "web-internal"))),
            hpa=random.random() < 0.3,
            weights=(50,),
            bake=10.0,
            drain=5.0,
            image=random.choice(("good", "good", "good", "crash", "errors")),
            last="resume",
            rps=20.0,
            ready_after=slow.choice((0.0, 0.0, 5.0)),
        )
        return cls(seed, start, (random.randrange(18, 130), random.random() < 0.5), (random.randrange(1, 100), random.random() < 0.5))


def crash(pair: Pair) -> Result:
    play = Play(Story(pair.seed, pair.start))
    names = ("run-1", "resume-2")
    for name, (nth, after) in zip(names, (pair.first, pair.second), strict=True):
        play.script.kills.append(Kill(name, nth, after))
    play.next_hand = dict.fromkeys(names, ("resume", 20.0, 0.0))
    result = play.play()
    wanted = ENDS[pair.start.image]
    if result.ended != wanted and "None" not in result.ended:
        return replace(result, broken=(*result.broken, f"rule 8: {pair} ends {result.ended}, not {wanted}"))
    return result
