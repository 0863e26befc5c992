"""The command line: parses, calls deliver.engine.commands, hands the answer to deliver.render. No logic.

Kept light: main.py and app.py import typer and the standard library alone; what a command needs is imported when it is asked for.
"""
