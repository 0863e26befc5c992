"""`deliver simulate`: a spec played on the embedded cluster in this process, on virtual time, with made-up users and regressions.

Engine, strategy, provider's arithmetic and analysis are those of a real release; the pods and the requests are not.
"""
