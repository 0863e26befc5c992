"""The engine: decide.py is pure; driver.py observes, decides, journals and acts."""
