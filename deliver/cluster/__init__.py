"""The Kubernetes port: a dozen verbs on dicts, and the only importer of the `kubernetes` package (kube.py)."""
