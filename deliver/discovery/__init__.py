"""What a first release needs and nobody wrote down: where Prometheus is, which series count requests, by what a release can be judged.

Calls go down this list:

    metric_choice.py        choose_metrics: the metrics of a release that names none; `plan`, `doctor` and the release call it
    discover.py             discover: Prometheus and the metrics of a Deployment's pods, with the reason for each choice
    workload.py             the Deployment with its pods, Services and probes
    prometheus.py           finds Prometheus; prometheus_services.py: which Services look like one
    requests.py             chooses the request counter: by name (catalog.py), by its status label (status.py), and only if it behaves
                            like a counter (counter_behaviour.py)
    latency.py              chooses the histogram of request times and its bound
    series_queries.py       asks Prometheus which series the pods have; types.py: Family (series of one name), Question, Discovery

Beside it: traffic_sufficiency.py (are there enough requests for proof?), yaml_writer.py (the deliver.yaml of `deliver init`).
"""
