"""Telling others: notifiers, and how they are kept out of the release's way."""
