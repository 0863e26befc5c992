"""The statistics that a release is judged by. Pure: samples and counts in, evidence and verdicts out.

    promql.py, selectors.py   PromQL strings and selectors, read and written without free text in a query
    counts.py                 counter samples -> counts; native_histogram.py, bounds.py: the same for latency; history.py: of the past
    threshold.py              fixed limits (max, min) over a window
    e_values.py               e-value of one poll: Poisson, Fisher's noncentral hypergeometric law, bets on blocks
    e_process.py              e-process: wealth of all bets over the polls, valid at every look (Ville 1939; means: Vovk and Wang 2021)
    sequential_test.py        a metric's sequential test: closes polls, sums the evidence against the candidate
    noninferiority.py         evidence for the candidate: not `prove` times worse than stable, or acceptable in itself
    ratio_interval.py         interval of the ratio candidate : stable that holds at every look (mixture over a grid of ratios)
    dispersion.py, placebo.py how far bad events cluster; the test tried on the past, where nothing was released
    leaning.py                not settled, but against the candidate; harm too gross to wait for
    side_by_side.py           what both sides showed at the same time, compared without a past (Fisher 1935)
    few_requests.py           how many requests a proof would take; detectability.py: how long a regression of a given size
    wilson.py                 interval of a fraction, for people (Wilson 1927)
    phrases.py                all of it in words

It imports deliver.model alone. "statistics.md" is the design note on these methods.
"""
