"""The pure core: a release and what is seen of the cluster go in, the next state and at most one action come out.

Each look, `decide.py` asks in this order:

| direction    | files, in the order in which they are asked                                              |
|--------------|------------------------------------------------------------------------------------------|
| any          | guards.py: missing metrics, time; pod_guards.py: pod failures, edits by somebody else    |
| PROGRESSING  | progress.py: stable pinned, candidate ready, route, bake; few_requests.py, proof_gate.py |
| PROMOTING    | cutover.py: all traffic at once; promote.py: the named Deployment takes over             |
| ROLLING_BACK | rollback.py: traffic first, then everything else                                         |
| a flag's     | flag_release.py, flag_state.py, flag_guards.py                                           |
| shared       | decision.py: the answer; route.py: what the Services show; cleanup.py: our objects go    |

Where a release of pods and one of a flag differ, exposure.py has the questions; pod_release.py and flag_release.py answer them.
"""
