"""What people and pipelines see of a release. view.py makes one plain object; everything else draws from it.

Style guide
- stdout is data, stderr is progress. A command's answer (status, plan, JSON) goes to stdout, a running release to stderr.
- Understandable without colour: a symbol or a word carries the meaning, colour only repeats it.
  ► action   ◎ waiting   ✔ done   ⚠ warning   ✗ failure   (> ~ + ! x where the terminal cannot show them)
- Green is good, red needs a person, yellow is uncertain, dim is context. Nothing else has a colour.
- Values after a colon: `limit: 1 %`. No full stop on a one-line message. Backticks on commands and on names from the cluster.
- Percentages are what was read back, never what was asked for, unless the word `wanted` stands beside them.
- Times are UTC, `HH:MM:SS` in lines, RFC 3339 in JSON. Durations are like `2m10s`. An unknown value is `-` (JSON: null), never 0.
- An error says what failed, why, the state of the cluster now and the next command (`error:`, `why:`, `state:`, `hint:`).
- Text from the cluster, a metric or a log is cleaned of control characters before it is printed anywhere (formatting/sanitize.py).
- No escape code off a terminal unless `--color always` asks for it. NO_COLOR holds everywhere; FORCE_COLOR is not listened to,
  because CI sets it for every program and a live view on a pipe is noise. GitLab's section markers are escape codes by its protocol.
- `-o json` is additive: a name once printed keeps its meaning.
"""
