"""The operator's verbs on an instance's own log: fsck, recover, rebuild. With or without the house running.

The work is custody's own (`services.custody.operate`); here the database is at hand for it.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.databases import Address
from deploy.given_server import chosen
from deploy.instance import CHECKOUT, Instance, NoInstance, find
from deploy.postgres import Cluster
from deploy.secret_files import write_secret
from deploy.topology import BY_NAME, Laptop, environment

MODULE = "services.custody.operate"
OF_WITNESSES = {"TROZALOG_POLICY", "TROZALOG_WITNESS_UDS"}


@contextmanager
def database_at_hand(instance: Instance) -> Iterator[None]:
    """The instance's databases answer inside this block: those of the running house, or else PostgreSQL alone, which ends
    with it. Nobody can start the house meanwhile. NoInstance when there are none."""
    if instance.running:
        yield
        return
    given = chosen(instance.data, instance.admin_url_file) if instance.keys.exists() else None
    if given is None and not (instance.data / "pg").exists():
        raise NoInstance(f"{instance.data} has no database")
    with instance.held():
        if given is not None:
            write_secret(instance.admin_url_file, given[0].admin_dsn)
            yield
            return
        with own_server(instance):
            yield


@contextmanager
def own_server(instance: Instance) -> Iterator[Address]:
    """PostgreSQL of the instance alone, made where there is none; its address. The folder must be held."""
    cluster = Cluster(instance.data / "pg", instance.keys / "postgres-admin")
    cluster.prepare()
    server = cluster.start(instance.logs / "postgres.log")
    try:
        address = Address(str(cluster.socket_dir), 5432, "postgres", cluster.password)
        write_secret(instance.admin_url_file, address.admin_dsn)
        yield address
    finally:
        cluster.stop(server)


def operate(
    instance: Instance, words: list[str], database_url: str, *, capture: bool = False, **others: str
) -> "subprocess.CompletedProcess[str]":
    """One of custody's commands, as a process with custody's settings; `others` stand for some of them."""
    place = Laptop(instance.run, instance.data, instance.keys, instance.base_url)
    settings = environment(BY_NAME["custody"], place) | {"TROZALOG_DATABASE_URL": database_url} | others
    if others or not instance.policy.exists():  # not this house's own log, or before its first start: no witness knows
        settings = {name: value for name, value in settings.items() if name not in OF_WITNESSES}
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    sys.stdout.flush()
    return subprocess.run(
        [sys.executable, "-P", "-m", MODULE, *words], env=kept | settings | {"PYTHONPATH": str(CHECKOUT)}, check=False,
        capture_output=capture, text=True,
    )  # fmt: skip


def _words(options: argparse.Namespace) -> list[str]:
    return ["--lang", options.lang, *(["--json"] if options.json else [])]


def fsck(options: argparse.Namespace) -> int:
    """Hash the instance's whole log again; 0 sound, 1 damaged (the first place is named), 2 cannot read."""
    deep = ["--deep"] if options.deep else []
    try:
        instance = find(options.data, options.port)
        with database_at_hand(instance):
            database = instance.database("custody")
            url = database.owner_url if options.deep else database.app_url  # a replay makes temporary tables
            return operate(instance, ["fsck", *deep, *_words(options)], url).returncode
    except NoInstance as error:  # a nightly job must not take a wrong folder for damage
        print(f"timber: {error}", file=sys.stderr)
        return 2


def recover(options: argparse.Namespace) -> int:
    """Roll a database that was set back forward, from the archive or another copy of the log."""
    instance = find(options.data, options.port)
    source = ["--from", options.source] if options.source else []
    reason = ["--reason", options.reason] if options.reason else []
    with database_at_hand(instance):
        url = instance.database("custody").app_url
        return operate(instance, ["recover", *source, *reason, *_words(options)], url).returncode


def rebuild(options: argparse.Namespace) -> int:
    """Make again what is derived from the entries."""
    instance = find(options.data, options.port)
    with database_at_hand(instance):
        return operate(instance, ["rebuild", *_words(options)], instance.database("custody").owner_url).returncode
