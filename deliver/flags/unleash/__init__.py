"""Unleash, over its admin API."""
