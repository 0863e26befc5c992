"""Images with an interpreter in them, made without Docker: Debian packages, wheels or npm packages, and sources, a layer each.

Nothing of it runs as part of `lab up`. Each layer is kept by what it is made from, so a changed source packs a few kilobytes anew,
and an image's tag names its content: a node that has the tag has the right bytes.
"""

import gzip
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

import node
from core import CACHE, HERE, REGISTRY, RUN, LabError, make, say, sh

APPS = HERE / "apps"

# What a dynamically linked interpreter and the wheels' own libraries need. Debian's, in the version that apt has.
C_LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "ca-certificates"]
PYTHON = ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libexpat1", "zlib1g", "libssl3", "libcrypt1",
          "libffi8", "libbz2-1.0", "liblzma5", "libsqlite3-0", "libuuid1"]
NO_USE = ["usr/share/doc", "usr/share/man", "usr/share/lintian", "usr/share/bug", "usr/share/locale", "usr/share/applications",
          "usr/share/pixmaps", "usr/share/binfmts", "usr/lib/python3.11/idlelib", "usr/lib/python3.11/lib2to3", "usr/lib/python3.11/pydoc_data",
          "usr/lib/python3.11/ensurepip", "usr/lib/python3.11/test", "usr/lib/python3.11/unittest/test", "usr/lib/python3.11/distutils",
          "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/audit", "usr/sbin", "lib/x86_64-linux-gnu/audit", "etc/ca-certificates"]
WHEELS = ["--only-binary=:all:", "--implementation=cp", "--python-version=3.11", "--abi=cp311", "--abi=abi3", "--abi=none",
          "--platform=manylinux_2_28_x86_64", "--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64"]

RECIPE = 1  # raise it when the code below packs something else from the same lists
SITE = "usr/lib/python3/dist-packages"  # where Debian's Python looks for packages that pip did not put elsewhere


def names():
    return sorted(IMAGES)


def reference(name, crane):
    """Make the image, push it to the lab's registry unless it is there, and say what a pod calls it."""
    if not (RUN / "registry").is_dir():
        raise LabError("is not up, and the image goes to its registry")
    layers, settings = IMAGES[name]
    files = [layer() for layer in layers]
    tag = hashlib.sha256(repr([(f.parent.name, settings) for f in files]).encode()).hexdigest()[:12]
    image = f"{REGISTRY}/{name}:{tag}"
    pushed = make(RUN / "images") / f"{name}-{tag}"
    if not pushed.exists():
        sh(crane, "append", "--insecure", "--platform", "linux/amd64", *[a for f in files for a in ("-f", f)], "-t", image, quiet=True)
        sh(crane, "mutate", "--insecure", image, "--user", "65532", "--set-platform", "linux/amd64", *settings, "-t", image, quiet=True)
        pushed.touch()
    return image


# ---------------------------------------------------------------- layers


def kept(kind, key, fill):
    """The layer that `fill(folder)` makes, packed once for each `key`."""
    digest = hashlib.sha256(repr((RECIPE, NO_USE, WHEELS, key)).encode()).hexdigest()[:16]
    out = CACHE / f"layer-{kind}-{digest}" / "layer.tar.gz"
    if not out.exists():
        say(f"making the layer {kind}")
        with tempfile.TemporaryDirectory(dir=make(CACHE), prefix=".layer-") as draft:
            os.chmod(draft, 0o755)
            root = make(Path(draft, "root"))
            fill(root)
            pack(root, Path(draft, "layer.tar.gz"))
            make(out.parent)
            Path(draft, "layer.tar.gz").rename(out)
    return out


def pack(root, out):
    """Same files, same bytes: no owner, no time, one order."""
    def plain(info):
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info

    with open(out, "wb") as f, gzip.GzipFile("", "wb", 1, f, mtime=0) as z, tarfile.open(fileobj=z, mode="w") as tar:
        for path in sorted(root.rglob("*")):
            tar.add(path, path.relative_to(root).as_posix(), recursive=False, filter=plain)


def debian(*packages):
    def fill(root):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *packages]
            if sh(*fetch, cwd=folder, check=False, quiet=True).returncode:  # its lists are old, or were never there
                sh("apt-get", "update", "-qq", quiet=True)
                sh(*fetch, cwd=folder, quiet=True)
            for package in sorted(Path(folder).glob("*.deb")):
                sh("dpkg-deb", "-x", package, root)
        for name in NO_USE:
            shutil.rmtree(root / name, ignore_errors=True)

    return fill


def c_layer():
    def fill(root):
        debian(*C_LIBRARIES)(root)
        certificates = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
        (make(root / "etc/ssl/certs") / "ca-certificates.crt").write_text("".join(c.read_text() for c in certificates))
        make(root / "tmp").chmod(0o1777)

    return kept("c", C_LIBRARIES, fill)


def python_layer():
    def fill(root):
        debian(*PYTHON)(root)
        (root / "usr/bin/python3").symlink_to("python3.11")
        compiled(root / "usr/lib/python3.11")

    return kept("python", PYTHON, fill)


def compiled(folder):
    """Bytecode beside the sources, as a user without rights could not put it there. Any Python 3.11 writes the same."""
    python = shutil.which("python3.11") or sys.executable
    if sh(python, "-c", "import sys; sys.exit(sys.version_info[:2] != (3, 11))", check=False).returncode:
        return  # it only starts slower
    sh(python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", folder, folder, check=False, quiet=True)


def wheels_layer(kind, lock):
    """The packages of a lock with hashes, and nothing that the lock does not name."""
    def fill(root):
        sh(*pip(), "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--no-compile",
           "--root-user-action=ignore", *WHEELS, "--target", root / SITE, "-r", lock)
        for tests in (root / SITE).glob("*/tests"):
            shutil.rmtree(tests)
        compiled(root / SITE)

    return kept(kind, lock.read_bytes(), fill)


def pip():
    for python in (sys.executable, HERE.parents[1] / ".venv/bin/python"):
        if sh(python, "-m", "pip", "--version", check=False, quiet=True).returncode == 0:
            return [python, "-m", "pip"]
    raise LabError("no pip: run `make setup` first")


def sources_layer(kind, folder, target):
    """The files of a folder, but not how its packages are got."""
    files = sorted(p for p in folder.glob("*") if p.suffix in (".py", ".mjs"))

    def fill(root):
        for path in files:
            shutil.copy(path, make(root / target) / path.name)
            (root / target / path.name).chmod(0o644)

    return kept(kind, [(p.name, p.read_bytes()) for p in files], fill)


def node_layer():
    def fill(root):
        shutil.copy(node.binary(), make(root / "usr/bin") / "node")

    return kept("node", node.VERSION, fill)


def npm_layer():
    def fill(root):
        shutil.copytree(node.modules(APPS / "node") / "node_modules", root / "app/node_modules", symlinks=True)

    return kept("npm", node.key(APPS / "node"), fill)


def wheels():
    return wheels_layer("python-flags-wheels", APPS / "python/requirements.lock")


def python_app(program):
    return (
        [c_layer, python_layer, wheels, lambda: sources_layer("python-flags", APPS / "python", "app")],
        ["--entrypoint", f"/usr/bin/python3,/app/{program}", "--workdir", "/app", "--env", "PYTHONUNBUFFERED=1", "--env", "HOME=/tmp"],
    )


# name -> (its layers, what crane sets on it)
IMAGES = {
    "flagd-python": python_app("flagd_app.py"),
    "unleash-python": python_app("unleash_app.py"),
    "flagd-node": (
        [c_layer, node_layer, npm_layer, lambda: sources_layer("node-flags", APPS / "node", "app")],
        ["--entrypoint", "/usr/bin/node,/app/flagd_app.mjs", "--workdir", "/app"],
    ),
}
