"""What the samples of the two arms are of, and how they are told apart."""

from dataclasses import dataclass

from deliver.model.observation import PodSeen

ComparedPods = tuple[tuple[PodSeen, ...], tuple[PodSeen, ...]]  # of the version that stands, and of the one that is judged


@dataclass(frozen=True)
class Comparison:
    """By the pods of each arm; where both are the same pods, by a label of the series."""

    by_pods: bool = True
    past_until: float = 0.0  # unix seconds where the past ends that the release has not touched; 0: it goes on, on pods of its own
    variant: str = ""  # label that tells the arms' series apart, "" for none
    treatment: str = ""  # value of that label for users who have the treatment


BY_PODS = Comparison()
