"""Health checks of single pods: HTTP, TCP, gRPC."""
