"""What a release was judged by, as every output says it: never more than was there."""

from deliver.render.view import View


def judged_line(view: View) -> str:
    """`its pods, errors and latency`, `its pods alone`, `its pods; errors: too few requests to show it to be no worse`."""
    found = view["judged_by"]
    by = [name for name in (*found["metrics"], *found["health"]) if name not in found["too_few"]]
    text = f"its pods, {_and(by)}" if len(by) > 1 else f"its pods and {by[0]}" if by else "its pods"
    if found["too_few"]:
        return f"{text}; {_and(found['too_few'])}: too few requests to show it to be no worse"
    return text if by else "its pods alone"


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
