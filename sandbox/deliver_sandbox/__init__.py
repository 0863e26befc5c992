"""An embedded Kubernetes API with controllers, traffic and metrics, on a virtual or a real clock. Standard library only."""
