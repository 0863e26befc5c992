"""How a release is spoken of where pods and a flag differ."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deliver.model.observation import Observation
from deliver.model.release import Release
from deliver.render.style import Style

View = dict[str, Any]


@dataclass(frozen=True)
class Words:
    """`{}` in a text is for a share. What takes a view gives clean text, what takes a release alone does not."""

    changed: str  # what is released: an image, or a flag
    measure: str  # what the real exposure of a step is made of
    shifting: str
    exposed: str
    never_exposed: str
    undo_notes: str  # what a release is recovered from
    step_pods: str  # for a step; with the title of that column
    step_pods_title: str
    planned_titles: tuple[str, ...]
    planned_right: tuple[int, ...]  # columns of a planned step that are aligned to the right
    planned: Callable[[int, View], tuple[str, ...]]  # cells of the step of that number
    services: Callable[[View], list[str]]  # lines of a plan
    released: Callable[[Release, str], str]  # the latter: an arrow
    released_short: Callable[[Release], str]
    released_markdown: Callable[[View], str]
    change: Callable[[View, Style], str]
    reverted: Callable[[Release], str]
    meaning: Callable[[Release, Observation | None], str]  # of its end, to users
    waiting_for: Callable[[Release, Observation | None], str]  # "" where any release says the same
    arms: Callable[[Release], dict[str, str]]  # key of the view -> what that arm is called
    traffic: Callable[[View], str]
    share: Callable[[Release, Observation], float | None]  # percent that is exposed, as read back; None: not read
    measured_by: Callable[[View], str]
    traffic_off: Callable[[str], str]  # of the reason that the journal has
    off_since: Callable[[View, float], str]
