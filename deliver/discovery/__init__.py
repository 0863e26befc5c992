"""What a first release needs and nobody wrote down: where Prometheus is, which series count requests, what else is to be watched."""
