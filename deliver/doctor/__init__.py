"""Checks before a first release: the cluster, the rights that forward and rollback need, Prometheus, the clock."""

from deliver.doctor.checks import examine as examine
from deliver.doctor.metrics import Judged as Judged
