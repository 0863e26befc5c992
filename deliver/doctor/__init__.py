"""Checks before a first release: the cluster, the rights that forward and rollback need, Prometheus and its series, the clock.

Each check answers with one DoctorLine (line.py), raises nothing and changes nothing. checks.py runs them all: rights.py is the table of
rights, metrics.py reaches Prometheus, series.py looks at the pods' series, metric_choice.py tells what a release would be judged by.
"""

from deliver.doctor.checks import run_checks as run_checks
from deliver.doctor.metrics import DoctorTarget as DoctorTarget
