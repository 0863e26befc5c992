"""How a release is judged, pure: samples and counts in, evidence and a verdict out."""
