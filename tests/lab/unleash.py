"""A real Unleash server and its PostgreSQL as processes of this machine; pods reach it too. Both begin empty at each `up`."""

import json
import os
import secrets
import shutil
import signal
import socket
import time
import urllib.request
from pathlib import Path

import node
from core import HERE, HOST_IP, RUN, LabError, find, install, kill, make, say, sh, spawn, wait

HOME = HERE / "apps/unleash"
STATE = RUN / "unleash"
POSTGRES = Path("/usr/lib/postgresql/15/bin")
DATABASE, SERVER = "unleash-postgresql", "unleash-server"


def up():
    if find(SERVER)[0] and find(DATABASE)[0]:
        say("unleash is up")
        return
    down()
    packages()
    begin = time.monotonic()
    make(STATE).chmod(0o711)
    settings = {
        "HOST": HOST_IP if own(HOST_IP) else "127.0.0.1",  # without the lab's network it is for this machine alone
        "DB_PASSWORD": secrets.token_hex(16),
        "ADMIN_TOKEN": f"*:*.{secrets.token_hex(24)}",
        "CLIENT_TOKEN": f"*:development.{secrets.token_hex(24)}",
        "EXPIRED_TOKEN": f"*:*.{secrets.token_hex(24)}",
    }
    settings |= {"PORT": str(free_port(settings["HOST"])), "DB_PORT": str(free_port("127.0.0.1"))}
    database(settings)
    spawn(SERVER, [node.binary(), HOME / "server.mjs"], cwd=node.modules(HOME), env=os.environ | settings | {"NODE_ENV": "production"})
    wait("unleash", lambda: alive(SERVER) and healthy(settings), timeout=180)  # 10 s, but 96 on a busy machine with cold files
    write_secret(STATE / "settings.json", json.dumps(settings))
    say(f"unleash is up in {time.monotonic() - begin:.0f} s: {address(settings)}")


def down():
    if find(SERVER)[0]:
        kill(SERVER)
    if find(DATABASE)[0]:
        kill(DATABASE, signal.SIGQUIT)  # it ends its processes and frees its shared memory, and leaves the data as they are
    shutil.rmtree(STATE, ignore_errors=True)


def env():
    if not (STATE / "settings.json").exists():
        raise LabError("unleash is not up")
    settings = json.loads((STATE / "settings.json").read_text())
    print(f"export LAB_UNLEASH_URL={address(settings)}")
    for kind in ("ADMIN", "CLIENT", "EXPIRED"):
        print(f"export LAB_UNLEASH_{kind}_TOKEN='{settings[f'{kind}_TOKEN']}'")


VERBS = {"up": up, "down": down, "env": env}


def address(settings):
    return f"http://{settings['HOST']}:{settings['PORT']}"


def packages():
    """What is needed from the registries, once."""
    if not POSTGRES.exists():
        install("postgresql-common")
        settings = Path("/etc/postgresql-common/createcluster.conf")
        settings.write_text(settings.read_text() + "\ncreate_main_cluster = false\n")  # the lab's own is enough
        install("postgresql-15")
    node.modules(HOME)


def database(settings):
    data, password = STATE / "postgresql", STATE / "password"
    make(data).chmod(0o700)
    write_secret(password, settings["DB_PASSWORD"])
    for path in (data, password):
        shutil.chown(path, "postgres", "postgres")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]  # it refuses to run as root
    sh(*as_postgres, POSTGRES / "initdb", "-D", data, "-U", "unleash", "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8",
       "--locale=C.UTF-8", "--no-sync", cwd="/", quiet=True)
    password.unlink()
    spawn(DATABASE, [*as_postgres, POSTGRES / "postgres", "-D", data, "-h", "127.0.0.1", "-p", settings["DB_PORT"], "-k", data,
                     "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=40"], cwd="/")
    login = os.environ | {"PGPASSWORD": settings["DB_PASSWORD"]}
    wait("postgresql", lambda: alive(DATABASE) and not sh(
        POSTGRES / "createdb", "-h", "127.0.0.1", "-p", settings["DB_PORT"], "-U", "unleash", "unleash", check=False, quiet=True, env=login).returncode)


def alive(name):
    if not find(name)[0]:
        raise LabError(f"{name} ended; see {RUN}/logs/{name}.log")
    return True


def healthy(settings):
    with urllib.request.urlopen(f"{address(settings)}/health", timeout=2) as reply:
        return reply.status == 200


def own(ip):
    with socket.socket() as s:
        try:
            s.bind((ip, 0))
        except OSError:
            return False
    return True


def free_port(ip):
    with socket.socket() as s:
        s.bind((ip, 0))
        return s.getsockname()[1]


def write_secret(path, text):
    path.touch(mode=0o600)
    path.write_text(text)
