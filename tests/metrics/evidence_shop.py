"""A made-up provider of counted requests, and an analyzer that looks at it: for tests of metrics that are judged by evidence."""

from deliver.metrics.analyzer import StepAnalyzer, StepSetup
from deliver.metrics.calibrate import CalibrationInputs
from deliver.metrics.evidence_store import EvidenceStore
from deliver.model.observation import PodSeen
from deliver.model.spec import Analysis, EvidenceMetric
from deliver.model.verdict import Verdict
from deliver.plugins.interfaces import Answer, MetricsError, Series

PASS, FAIL, BLIND = Verdict.PASS, Verdict.FAIL, Verdict.BLIND
BEGIN = 10_000.0
STABLE = tuple(PodSeen(f"web-7d5f8-abcd{n}", f"s{n}", ready=True, since=10.0) for n in (1, 2))
CANDIDATE = (PodSeen("web-candidate-66b9c-xyz12", "c1", ready=True, since=BEGIN - 30),)
ERRORS = EvidenceMetric("errors", bad='req{code="500"}', total="req", min_samples=20)


class Shop:
    """Requests since BEGIN - 30 at a steady rate, scraped every 15 s; of stable since `past` seconds before that.

    rates: pod -> (requests, bad ones) a second. lost: no scrape after it.
    """

    def __init__(self, rates, *, past=0.0, down=False):
        self.rates, self.past, self.down, self.at, self.asked, self.lost = rates, past, down, BEGIN, [], float("inf")

    def series(self, selector, since, every):
        for pod, (rate, bad) in self.rates.items():
            for code in ("200", "500"):
                if 'code="500"' in selector and code == "200":
                    continue
                speed = bad if code == "500" else rate - bad
                first = BEGIN - 30 - (self.past if pod.startswith("web-7d5f8") else 0)
                times = [t for t in range(int(first), int(min(self.at, self.lost)) + 1) if t % every == 0 and t > since]
                yield Series(
                    {"__name__": "req", "pod": pod, "code": code}, tuple((float(t), float(round(speed * (t - first)))) for t in times)
                )

    def raw(self, selector, window, timeout):
        self.asked.append(selector)
        if self.down:
            raise MetricsError("no route to host")
        return Answer(selector, tuple(one for one in self.series(selector, self.at - window, 15) if one.points))

    def value(self, query, timeout):
        self.asked.append(query)
        summed = {}
        for one in self.series(query, BEGIN - 21600, 30):
            if one.labels["pod"].startswith("web-7d5f8"):
                for t, v in one.points:
                    summed.setdefault(one.labels["pod"], {}).setdefault(t, 0.0)
                    summed[one.labels["pod"]][t] += v
        return Answer(query, tuple(Series({"pod": pod}, tuple(points.items())) for pod, points in summed.items()))

    def now(self, timeout):
        return self.at


def rates(candidate_bad, stable_bad=0.01, rate=5.0):
    return {STABLE[0].name: (2 * rate, stable_bad), STABLE[1].name: (2 * rate, stable_bad), CANDIDATE[0].name: (rate, candidate_bad)}


class Watch:
    """An analyzer that looks every 15 s."""

    def __init__(self, shop, *metrics, measures=None, step=BEGIN, shared=False, alone=False, **analysis):
        self.shop = shop
        self.evidence_store = EvidenceStore(
            CalibrationInputs(started=BEGIN - 40, seconds=600, fraction=0.2, seed="web-1", poll=5.0), dict(measures or {})
        )
        spec = Analysis(metrics=metrics or (ERRORS,), **analysis)
        self.analyzer = StepAnalyzer(
            spec,
            shop,
            (),
            lambda: self.shop.at,
            StepSetup(shared=shared, alone=alone),
            evidence_store=self.evidence_store,
            timer=lambda: 0.0,
        )
        self.analyzer.reset(step)

    def look(self, seconds=15, stable=STABLE, candidate=CANDIDATE):
        self.shop.at += seconds
        return self.analyzer.analyze("shop", stable, candidate)

    def until(self, verdict, looks=40):
        for number in range(1, looks + 1):
            done = self.look()
            if done.results[0].verdict is verdict:
                return number, done.results[0]
        return None, done.results[0]
