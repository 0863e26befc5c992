"""The words of deliver as frozen values: no I/O, no third-party import."""
