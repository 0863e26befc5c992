"""deliver: a progressive delivery controller that is a command line first."""

__version__ = "0.1.0"
