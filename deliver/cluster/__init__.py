"""The Kubernetes port (port.py): a dozen verbs on dicts. Only connection.py, credentials.py and quantity.py import `kubernetes`."""
