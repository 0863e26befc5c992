"""`deliver replay`: past data judged with a spec. Polls are played again from raw samples, by the analyzer of a real release.

past.py keeps the samples and the time, record.py reads when a release was looked at, play.py polls, pods.py finds who was who,
alike.py splits stable pods for false alarms.
"""
