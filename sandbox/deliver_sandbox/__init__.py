"""An embedded Kubernetes API with controllers, traffic and metrics, on a virtual or a real clock.

It knows deliver's Kubernetes port and nothing else of the product. Standard library, and yaml for bodies that come over HTTP.
"""
