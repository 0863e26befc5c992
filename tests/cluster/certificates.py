"""A certificate authority of the test's own, and what it signs: made by openssl."""

import subprocess
from pathlib import Path


def authority(folder: Path) -> Path:
    """A self-signed certificate for api.example alone, with its key beside it (key.pem)."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=api.example"),
            *("-addext", "subjectAltName=DNS:api.example", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"
