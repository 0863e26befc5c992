"""How plugins get at Services and pods without knowing Kubernetes: through the API server's proxy."""

from deliver.cluster.port import Access, Cluster


def service(cluster: Cluster, address: str, namespace: str = "") -> Access:
    """address: `ns/name:port`; without `ns/` in the given namespace."""
    there, _, rest = address.rpartition("/")
    name, _, port = rest.partition(":")
    return cluster.proxy(there or namespace, "services", name, port)
