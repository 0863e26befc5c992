"""What plugins return, looked at before it is used: foreign code may raise, answer or exit as it likes, and deliver goes on."""

import math
from collections.abc import Mapping
from typing import Any

from deliver.formatting.sanitize import one_line
from deliver.model.codec import decode, encode
from deliver.model.errors import DeliverError
from deliver.model.plan import Plan, Side
from deliver.model.spec import Facts
from deliver.plugins.interfaces import Answer, Histogram, MetricsError, Probe, Series, Strategy
from deliver.plugins.registry import PluginError, load

LONGEST = 600  # characters of a plugin's words: they go into the journal, and an object has 1 MiB
MOST_PODS = 100_000
FOREIGN = (Exception, SystemExit)  # what foreign code may end in; ^C is ours


def text_of(error: BaseException | object, longest: int = LONGEST) -> str:
    """One line of what it says; "" when it cannot even say that."""
    try:
        return one_line(error, longest)
    except Exception:  # even __str__ is foreign code
        return ""


def error_text(error: BaseException) -> str:
    """One line for a person. The text of an unknown error may hold a URL or a secret: only its type is shown."""
    return text_of(error if isinstance(error, MetricsError) else getattr(error, "what", "")) or f"internal error: {type(error).__name__}"


def checked_plan(strategy: Strategy, options: Any, facts: Facts) -> Plan:
    """The strategy's plan, which the engine can carry out. Raises its own DeliverError, or PluginError."""
    name = text_of(getattr(strategy, "name", "?"), 60)
    try:
        plan = strategy.plan(options, facts)
    except DeliverError:
        raise
    except FOREIGN as error:
        raise PluginError(f"strategy `{name}` failed to plan", why=f"{type(error).__name__}: {text_of(error)}", hint=REPORT) from error
    try:
        return _carried_out(plan)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise PluginError(f"strategy `{name}` made no plan that can be carried out", why=text_of(error), hint=REPORT) from error


REPORT = "this is the plugin's fault: tell its author; `deliver plugins` says where it comes from"


def _carried_out(plan: object) -> Plan:
    if not isinstance(plan, Plan):
        raise TypeError(f"it is {type(plan).__name__}, not a Plan")
    checked = decode(Plan, encode(plan))
    if not checked.steps:
        raise ValueError("it has no steps")
    for number, step in enumerate(checked.steps, 1):
        pods = step.candidate_pods, step.stable_pods
        times = step.bake, step.min_bake, step.max_bake, step.approval_timeout, step.baseline
        if not all(0 <= count <= MOST_PODS for count in pods) or not all(0 <= each < 1e9 for each in times) or not 0 <= step.weight <= 100:
            raise ValueError(f"step {number} has numbers that cannot be: {pods} pods, weight {step.weight:g}, times {times}")
        if step.unanswered not in ("hold", "rollback"):
            raise ValueError(f"step {number} knows no `{text_of(step.unanswered, 40)}` for an approval that nobody answers")
        for check in step.checks:
            load("deliver.checks", check.kind).Options.model_validate(dict(check.options))
    last, of_flag = checked.steps[-1], checked.flag is not None
    if not of_flag and last.side is not Side.CANDIDATE:
        raise ValueError("its last step does not give the candidate all the traffic")
    if of_flag and last.weight < 100:
        raise ValueError("its last step does not give the treatment to everyone")
    if not 0 <= checked.hold < 1e9:
        raise ValueError(f"it holds for {checked.hold:g} s")
    return checked


def checked_answer(answer: object) -> Answer:
    """A metric provider's answer. Raises MetricsError."""
    if not isinstance(answer, Answer) or not isinstance(answer.series, (tuple, list)) or not isinstance(answer.warnings, (tuple, list)):
        raise MetricsError(f"the provider answered with {type(answer).__name__}, not with an answer of series")
    if not all(map(_is_series, answer.series)):
        raise MetricsError("the provider answered with a series that is none")
    return Answer(text_of(answer.query, 4000), tuple(answer.series), tuple(text_of(one) for one in answer.warnings))


def _is_series(series: object) -> bool:
    if not isinstance(series, Series) or not isinstance(series.labels, Mapping) or not isinstance(series.points, (tuple, list)):
        return False
    named = all(isinstance(key, str) and isinstance(value, str) for key, value in series.labels.items())
    return named and all(map(_is_point, series.points)) and isinstance(series.histograms, tuple) and all(map(_is_native, series.histograms))


def _is_native(sample: object) -> bool:
    if not isinstance(sample, tuple) or len(sample) != 2 or not isinstance(sample[1], Histogram) or not _is_number(sample[0]):
        return False
    numbers = [sample[1].count, *(number for bucket in sample[1].buckets for number in bucket)]
    return all(map(_is_number, numbers)) and all(len(bucket) == 3 for bucket in sample[1].buckets)


def _is_point(point: object) -> bool:
    return isinstance(point, (tuple, list)) and len(point) == 2 and all(map(_is_number, point)) and math.isfinite(point[0])


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and (isinstance(value, float) or abs(value) < 2**63)


def checked_time(now: object) -> float:
    """The provider's own clock. Raises MetricsError."""
    if not _is_number(now) or not 0 < float(now) < 1e11:  # type: ignore[arg-type]  # _is_number has looked
        raise MetricsError("the provider did not tell the time")
    return float(now)  # type: ignore[arg-type]  # as above


def checked_probe(probe: object) -> Probe:
    """A health check's answer; what is none says nothing of the pod."""
    if not isinstance(probe, Probe) or probe.ok not in (True, False, None) or not isinstance(probe.ok, (bool, type(None))):
        return Probe(None, f"the check answered with {type(probe).__name__}, not with a probe")
    return Probe(probe.ok, text_of(probe.message) or "no word of why", text_of(probe.query))
