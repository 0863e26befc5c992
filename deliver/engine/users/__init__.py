"""Releases whose exposure is a share of users, moved by a feature flag: the same core, another thing to move."""
