"""A Kubernetes object as the API serves it: plain JSON."""

from typing import Any

Object = dict[str, Any]
