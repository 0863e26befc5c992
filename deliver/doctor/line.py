"""One line of `deliver doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DoctorLine:
    """One thing that `doctor` looked at. level: done, warn, fail, or todo (good to know). hint: what to do, when it is not done."""

    name: str
    level: str
    message: str
    hint: str = ""
