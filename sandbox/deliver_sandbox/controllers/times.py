"""metav1.Time back into unix seconds."""

from datetime import datetime
from functools import lru_cache


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
