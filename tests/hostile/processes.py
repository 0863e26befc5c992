"""The same as real processes: a few, because each costs a start. Time and memory are those of the process alone."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.hostile import arguments, kubeconfigs, specs
from tests.hostile.watch import MEGABYTES, SECONDS, Fault, checked

PATIENCE = 250.0
LAUNCHER = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as told:
    json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024], told)
sys.exit(code)
"""  # Linux counts what a process was before its exec as its own: a child of a test worker would be as large as the worker


def case(seed: int) -> None:
    random = Random(f"process {seed}")
    match random.randrange(3):
        case 0:
            Path("deliver.yaml").write_bytes(specs.text_of(random))
            run(random.choice(("validate", "run", "plan", "canary")))
        case 1:
            args = [one for one in arguments.line(random) if "\ud800" not in one]
            run(*(args if args[:1] != ["sandbox"] else ["sandbox"]))
        case _:
            Path("kubeconfig").write_bytes(kubeconfigs.text_of(random))
            run("status", "web", "--kubeconfig", "kubeconfig", "--context", "nobody")  # one that is whole would be tried for 15 s


def run(*args: str) -> None:
    """CPU seconds of the child, since the machine has other work; twice the limit, since the child has to load everything first."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with tempfile.NamedTemporaryFile() as told:
        child = subprocess.run(
            [sys.executable, "-c", LAUNCHER, told.name, sys.executable, "-m", "deliver", *args],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
            env=environment,
            check=False,
        )
        spent, megabytes = json.load(told)
    checked(child.returncode, child.stdout.decode("utf-8", "replace"), child.stderr.decode("utf-8", "replace"), args)
    if spent > 2 * SECONDS:
        raise Fault(f"{spent:.1f} s of CPU for {args}")
    if megabytes > MEGABYTES:
        raise Fault(f"a child has grown to {megabytes:.0f} MB")
