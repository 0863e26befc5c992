"""The Kubernetes port (port.py): a dozen verbs on dicts. connection.py and credentials.py alone import the `kubernetes` package."""
