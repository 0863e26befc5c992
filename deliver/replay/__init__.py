"""`deliver replay`: past data judged with a spec. Polls are played again from raw samples, by the analyzer of a real release.

past_provider.py keeps the samples and the time, from_record.py reads when a release was looked at, rejudge.py polls, pods.py finds who
was who, aa_test.py splits stable pods for false alarms, text.py prints.
"""
