"""The loop around the core and its I/O: driver.py observes, asks the core, journals and acts."""
