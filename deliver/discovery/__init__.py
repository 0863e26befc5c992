"""What a first release needs and nobody wrote down: where Prometheus is, which series count requests, by what a release can be judged.

metric_choice.py           choose_metrics: the metrics of a release where nobody named any; what plan, doctor and the release call
discover.py                discover: Prometheus and the metrics of a Deployment's pods, with the reason for each choice
prometheus.py              finds Prometheus: prometheus_services.py says which Services look like one
series_queries.py          asks it which series the pods have; types.py: Family (series of one name), Question, Discovery
requests.py, latency.py    choose the request counter and the histogram: by name (catalog.py), by status label (status.py), by whether
it behaves like a counter (counter_behaviour.py)
traffic_sufficiency.py     will there be enough requests for proof?
workload.py, yaml_writer.py  the Deployment with its Services and probes; the deliver.yaml of `deliver init`
"""
