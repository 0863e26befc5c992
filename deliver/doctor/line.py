"""One line of `deliver doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DoctorLine:
    name: str
    level: str  # done, warn, fail, or todo (good to know)
    message: str
    hint: str = ""  # what to do, unless done
