"""The engine. commands/ is what the command line calls, runtime/ drives a release, core/ decides and is pure."""
