# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: ``python -m testbed COMMAND``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import typing as t
from pathlib import Path

import docker.errors

from . import bundle, definition, engine, image, legacy, machine, operators
from .errors import TestbedError
from .fleet import Fleet
from .names import QUICKSTART, STATE_VARIABLE, fleet_name, state_directory
from .subnets import POOL

CHECKOUT = Path(__file__).resolve().parent.parent


def _common() -> argparse.ArgumentParser:
    """What every command takes."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--fleet", default=QUICKSTART, help="name of the fleet in this checkout (default: %(default)s)")
    common.add_argument("--state", help=f"its state directory (default: ${STATE_VARIABLE}, else below the checkout)")
    common.add_argument(
        "--definition",
        type=Path,
        default=CHECKOUT / "testbed/quickstart.yml",
        help="what it is made of (default: the quickstart)",
    )
    return common


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    common = _common()
    main = argparse.ArgumentParser(
        prog="python -m testbed", description="Machines made of containers, on a closed network."
    )
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", parents=[common], help="make what is missing, start what is stopped, wait for SSH")
    up.add_argument("--pool", default=POOL, help="take the fleet's /24 from this network (default: %(default)s)")
    down = commands.add_parser("down", parents=[common], help="remove the fleet, restore the host when it was the last")
    down.add_argument("--image", action="store_true", help="remove the machines' image too")
    down.add_argument("--docker", action="store_true", help="stop Docker too, if the testbed has started it")
    status = commands.add_parser("status", parents=[common], help="show the machines")
    status.add_argument("--json", action="store_true", help="as JSON")
    run = commands.add_parser("exec", parents=[common], help="run a command on a machine")
    run.add_argument("machine")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    for name, text in (
        ("kill", "cut machines' power; their disks stay"),
        ("start", "power machines on, wait for SSH"),
        ("power-cycle", "kill, then start"),
        ("reimage", "replace machines by empty ones of the same names and addresses"),
    ):
        commands.add_parser(name, parents=[common], help=text).add_argument("machines", nargs="+", metavar="MACHINE")
    bundled = argparse.ArgumentParser(add_help=False)
    bundled.add_argument(
        "--bundle", type=Path, help="the bundle's directory (default: where the bundle playbook leaves it)"
    )
    commands.add_parser("legacy", parents=[common, bundled], help="make the cluster that the site run attaches")
    operator = commands.add_parser(
        "operator", parents=[common, bundled], help="write the operators' kubeconfig and env"
    )
    operator.add_argument("clusters", nargs="*", metavar="CLUSTER", help="only these (default: all of the definition)")
    return main


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        if os.geteuid() != 0:
            raise TestbedError("root is needed: the machines share the host's kernel and its settings")
        state = state_directory(options.fleet, CHECKOUT, options.state, os.environ)
        return run(options, Fleet(fleet_name(options.fleet, CHECKOUT), state, say))
    except TestbedError as exc:
        print(f"testbed: {exc}", file=sys.stderr)
    except docker.errors.DockerException as exc:
        print(f"testbed: Docker: {exc}", file=sys.stderr)
    return 1


def run(options: argparse.Namespace, fleet: Fleet) -> int:
    """Carries a command out on a fleet. Returns the exit status."""
    if options.command == "exec":
        words = options.words[1:] if options.words[:1] == ["--"] else options.words
        return machine.stream(fleet.container(options.machine), words, sys.stdout.buffer, sys.stderr.buffer)
    commands: dict[str, t.Callable[[], object]] = {
        "up": lambda: fleet.up(definition.load(options.definition), options.pool),
        "down": lambda: down(fleet, options),
        "status": lambda: show(fleet, options.json),
        "kill": lambda: fleet.kill(options.machines),
        "start": lambda: fleet.start(options.machines),
        "power-cycle": lambda: fleet.power_cycle(options.machines),
        "reimage": lambda: fleet.reimage(options.machines),
        "legacy": lambda: make_legacy(fleet, options),
        "operator": lambda: make_operator(fleet, options),
    }
    commands[options.command]()
    return 0


def down(fleet: Fleet, options: argparse.Namespace) -> None:
    """Removes the fleet and, if asked for, the image, and stops Docker."""
    fleet.down()
    client = engine.connect()
    if options.image and client is not None:
        image.remove(client, say)
    if options.docker:
        engine.stop_if_ours(say)


def make_legacy(fleet: Fleet, options: argparse.Namespace) -> None:
    """Makes the definition's legacy cluster."""
    wanted = definition.load(options.definition).legacy
    if wanted is None:
        raise TestbedError(f"{options.definition} says nothing of a legacy cluster")
    path = options.bundle or bundle.default_path(os.environ)
    legacy.Maker(fleet, wanted, bundle.load(path, wanted.kubernetes_version)).make()


def make_operator(fleet: Fleet, options: argparse.Namespace) -> None:
    """Writes the operators' kubeconfig."""
    wanted = definition.load(options.definition).operator
    path = options.bundle or bundle.default_path(os.environ)
    operators.write(fleet, wanted, options.clusters, bundle.newest_program(path, "kubectl"))


def show(fleet: Fleet, as_json: bool) -> None:
    """Prints the fleet's machines."""
    rows = fleet.status()
    if as_json:
        print(json.dumps({"fleet": fleet.name.id, "state": str(fleet.state), "machines": rows}, indent=2))
        return
    print(f"fleet {fleet.name.id}, state in {fleet.state}")
    for row in rows:
        print(f"  {row['machine']:<12} {row['state']:<10} {row['address']}")


def say(line: str) -> None:
    """Tells what is being done, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
