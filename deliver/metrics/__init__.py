"""From samples to verdicts: what a release is judged by, look by look.

    prometheus.py       sample: asks Prometheus (transport.py sends, answers.py reads) or another provider; scrape_delay.py: how late it is
    fetch.py            fetch: the samples of one look, each selector once (queries.py: which counters; pod_roster.py: of which pods)
    deduplicate.py      deduplicate: two Prometheus servers of a pair count each request once; variants.py: a flag's two sides apart
    step_counts.py      counts: what the step has counted so far (look.py: the look; baseline.py: the stable side's past instead of now)
    threshold_metric.py a metric with a fixed limit
    evidence_metric.py  a metric against the stable side, by sequential evidence: calibrate.py learns from the past what it rests on,
                        evidence_store.py keeps it from step to step, few_requests.py lets too little traffic hold nothing up
    analyzer.py         StepAnalyzer: all metrics of a look; beside them pod_probes.py (health checks), service_checks.py (Services),
                        candidate_traffic.py (does the candidate get its requests?), drain.py (does the old side still get some?)
                        -> the verdicts, as AnalysisResult

Before a release: preflight.py tries each query, step_duration.py and detectability.py tell what a plan can promise.
"""
