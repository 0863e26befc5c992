"""Text that every package may use: untrusted text made safe, numbers and durations as words. A leaf: it imports nothing of deliver."""
