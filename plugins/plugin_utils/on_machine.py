# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller does for modules that run on machines: says whose run it is, and brings artifacts of the bundle.

Private to the collection.
"""

from __future__ import annotations

import getpass
import json
import os
import shlex
import socket
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest, stamps
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.machine.leftovers import OWNER_FILE
from ansible_collections.lodestar.platform.plugins.module_utils.machine.lock import describe
from ansible_collections.lodestar.platform.plugins.module_utils.machine.snapshots import TOOLS
from ansible_collections.lodestar.platform.plugins.plugin_utils import judged
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import SensitiveAction, plain

display = Display()

_PAUSE_SECONDS = 3
#: Directory of each purpose's executables. etcd's tools are for backups, which bring them when they need them.
_DIRECTORIES = {"kubernetes": "/usr/local/bin", "runtime": "/usr/local/bin", "cni": "/opt/cni/bin"}
_ETCD_TOOLS = ("etcdctl", "etcdutl")
#: The purpose of images that the global cluster alone runs.
_HUB = "hub"
#: Workers run none of these.
_CONTROL_PLANE_IMAGES = ("etcd-image", "kube-vip")


def run_owner() -> dict[str, t.Any]:
    """Who runs this playbook: told to whoever has to wait for a machine's lock."""
    pid = os.getppid()
    job = os.environ.get("JOB_ID") or os.environ.get("AWX_JOB_ID")
    return {
        "run": job or f"{socket.gethostname()}/{pid}",
        "host": socket.gethostname(),
        "user": getpass.getuser(),
        "pid": pid,
    }


def artifacts_for(
    bundle: manifest.Manifest, cluster: t.Mapping[str, t.Any], role: str, purposes: t.Collection[str]
) -> list[tuple[manifest.Artifact, dict[str, t.Any]]]:
    """The artifacts that a machine needs, each with what the module must know of it.

    :param cluster: its C(version), and its C(role): the global cluster gets the images of the hub besides.
    :param role: C(control_plane) or C(worker).
    :param purposes: of images.
    :raises InvalidInput: the bundle was not made for this version.
    """
    answer: list[tuple[manifest.Artifact, dict[str, t.Any]]] = []
    version, wanted = cluster["version"], {*purposes, *([_HUB] if cluster["role"] == "global" else [])}
    for part in bundle.binaries(version):
        directory = _DIRECTORIES.get(part.purpose)
        if directory is not None:
            answer.append((part, _told(part, f"{directory}/{part.name}")))
    return answer + [
        (part, _told(part))
        for part in bundle.images(version)
        if part.purpose in wanted and not (role == "worker" and part.name in _CONTROL_PLANE_IMAGES)
    ]


def _told(part: manifest.Artifact, destination: str | None = None) -> dict[str, t.Any]:
    """What the module must know of an artifact."""
    facts = {key: getattr(part, key) for key in ("name", "version", "kind", "sha256", "size")}
    return {**facts, "destination": destination, "references": list(part.references), "digests": dict(part.digests)}


class MachineAction(SensitiveAction):
    """Runs the module on the machine and tells it whose run it is."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        ActionBase.run(self, tmp, task_vars)
        return self._censor(self._on_machine(self._arguments(), task_vars or {}), task_vars or {})

    def _arguments(self) -> dict[str, t.Any]:
        return {**plain(self._task.args), "owner": run_owner()}

    def _on_machine(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if self.operation.sensitive:
            # At -vvv the connection shows what the module wrote, the secret with it.
            self._play_context.no_log = True
            self._connection._play_context.no_log = True
        answer: dict[str, t.Any] = self._execute_module(module_args=arguments, task_vars=task_vars)
        return answer


def is_dead(owner: t.Mapping[str, t.Any]) -> bool:
    """Whether a run of this controller has ended. Of a run elsewhere we know nothing, so it counts as alive."""
    pid = owner.get("pid")
    if owner.get("host") != socket.gethostname() or not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class ClaimingAction(MachineAction):
    """Takes over what a run has claimed that is known to be dead."""

    def _on_machine(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        claimed = arguments.get("claimed")
        if claimed is not None and not is_dead(claimed):
            return {"changed": False, "plan": [], "material": None}
        if claimed is not None:
            arguments = {**arguments, "supersedes": claimed.get("run")}
        answer = super()._on_machine(arguments, task_vars)
        holder = answer.get("claimed_by")
        if answer.get("failed") and isinstance(holder, dict) and is_dead(holder):
            return super()._on_machine({**arguments, "supersedes": holder.get("run")}, task_vars)
        return answer


class BundledAction(MachineAction):
    """Asks the module what the machine lacks, brings just that, and lets the module act."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        ActionBase.run(self, tmp, task_vars)
        task_vars = task_vars or {}
        arguments = self._arguments()
        try:
            needed, bundle = self._needed(arguments)
        except PlatformError as exc:
            return {**exc.details, "failed": True, "msg": str(exc), "plan": []}
        arguments["artifacts"] = [facts for _part, facts in needed]
        seen = arguments.pop("seen", None)
        planned = seen if self._suffices(seen) else self._predict_in_peace(arguments, task_vars)
        if planned.get("preflight"):
            planned["preflight"]["bundle_architecture"] = bundle.architecture
        if planned.get("failed") or planned.get("unreachable"):
            return planned
        if arguments["machine"]["role"] == "control_plane" and self._starts_api_server(arguments, planned["machine"]):
            planned["machine"]["unknown_arguments"] |= judged.unknown_arguments(bundle, arguments["cluster"])
            planned["machine"]["refused_authentication"] = judged.refused_authentication(bundle, arguments["cluster"])
        problem = self._architecture_problem(bundle, planned["machine"], arguments["machine"]["name"])
        if problem is not None or self._task.check_mode:
            return {"preflight": planned.get("preflight"), "plan": [], **problem} if problem else planned
        if not planned.get("plan"):
            return planned
        if planned["missing"]:
            parts = [part for part, _facts in needed if part.sha256 in planned["missing"]]
            try:
                stamps.verify(bundle, parts)
            except PlatformError as exc:
                return {"failed": True, "msg": str(exc), **exc.details}
            arguments["staging"] = self._bring(bundle, parts, arguments["owner"])
        return self._on_machine(arguments, task_vars)

    def _suffices(self, seen: t.Mapping[str, t.Any] | None) -> bool:
        """Whether the run's look at the machine tells what to bring. The machine plans anew before it acts."""
        told = seen is not None and seen.get("plan") and not (seen.get("failed") or seen.get("busy"))
        return bool(told) and not self._task.check_mode

    @staticmethod
    def _starts_api_server(arguments: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any]) -> bool:
        """Whether the bundle's API server is to run where no such one runs now that could be asked what it knows."""
        return False

    @staticmethod
    def _architecture_problem(
        bundle: manifest.Manifest, machine: t.Mapping[str, t.Any], name: str
    ) -> dict[str, t.Any] | None:
        if machine["architecture"] == bundle.architecture:
            return None
        told = f"{name} is of the architecture {machine['architecture']}, and the bundle {bundle.root} is made for"
        remedy = "make one for it, or take another machine."
        return {"failed": True, "changed": False, "msg": f"{told} {bundle.architecture}; {remedy}"}

    @staticmethod
    def _bundle(arguments: t.Mapping[str, t.Any]) -> manifest.Manifest:
        path = arguments.get("bundle_path")
        if not path:
            raise AnsibleActionFail("bundle_path is required: the directory of a bundle on the controller")
        return manifest.load(os.path.expanduser(path))

    def _needed(
        self, arguments: dict[str, t.Any]
    ) -> tuple[list[tuple[manifest.Artifact, dict[str, t.Any]]], manifest.Manifest]:
        bundle = self._bundle(arguments)
        cluster, machine = arguments["cluster"], arguments["machine"]
        purposes = arguments.get("image_purposes") or self.operation.arguments["image_purposes"]["default"]
        return artifacts_for(bundle, cluster, machine["role"], purposes), bundle

    def _predict_in_peace(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Looks when nobody changes the machine: what was seen while another run acts is no ground to act on."""
        end = time.monotonic() + int(arguments.get("lock_timeout") or 300)
        told = ""
        while True:
            planned = self._predict(arguments, task_vars)
            busy = planned.get("busy")
            if not busy or task_vars.get("ansible_check_mode"):
                return planned
            name = arguments["machine"]["name"]
            if time.monotonic() > end:
                message = f"{name} is being changed by {describe(busy)}; it was left alone."
                return {"failed": True, "msg": message, "plan": []}
            if told != describe(busy):
                told = describe(busy)
                display.display(f"{name} is being changed by {told}; waiting")
            time.sleep(_PAUSE_SECONDS)

    def _predict(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        declared = self._task.check_mode
        self._task.check_mode = True
        began = time.time()
        try:
            answer = self._on_machine(arguments, task_vars)
        finally:
            self._task.check_mode = declared
        if answer.get("preflight"):
            answer["preflight"]["offset"] = clock_offset(answer["preflight"]["facts"]["clock"], (began, time.time()))
        return answer

    def _bring(
        self, bundle: manifest.Manifest, parts: t.Sequence[manifest.Artifact], owner: t.Mapping[str, t.Any]
    ) -> str:
        """Puts artifacts, named by digest, into a directory that only the connection's user and root can read."""
        staging: str = self._make_tmp_path()
        self._discard_abandoned(os.path.dirname(staging.rstrip("/")))
        self._transfer_data(self._connection._shell.join_path(staging, OWNER_FILE), json.dumps(dict(owner)))
        sent: set[str] = set()
        for part in parts:
            if part.sha256 not in sent:
                self._connection.put_file(
                    str(bundle.path_of(part)), self._connection._shell.join_path(staging, part.sha256)
                )
                sent.add(part.sha256)
        return staging

    def _discard_abandoned(self, base: str) -> None:
        """Removes what runs have sent that were killed before they could use it: artifacts are large."""
        pattern = f"{shlex.quote(base)}/*/{OWNER_FILE}"
        command = f'for f in {pattern}; do test -f "$f" && echo "$f" && cat "$f" && echo; done; true'
        run: t.Callable[[str], dict[str, t.Any]] = self._low_level_execute_command
        lines = str(run(command).get("stdout", "")).splitlines()
        for directory in abandoned(lines, is_dead):
            run(f"rm -rf {shlex.quote(directory)}")


class PrepareAction(BundledAction):
    """Prepares a machine, on which an API server is to be started for the first time."""

    @staticmethod
    def _starts_api_server(arguments: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any]) -> bool:
        return not seen["etcd_data"]


class StageAction(BundledAction):
    """Brings another version to a machine, beside what runs."""

    @staticmethod
    def _starts_api_server(arguments: t.Mapping[str, t.Any], seen: t.Mapping[str, t.Any]) -> bool:
        return bool(seen["static_pods"].get("kube-apiserver") not in (None, arguments["cluster"]["version"]))


class ToolsAction(BundledAction):
    """Brings the tools of etcd, which no machine holds by itself."""

    def _needed(
        self, arguments: dict[str, t.Any]
    ) -> tuple[list[tuple[manifest.Artifact, dict[str, t.Any]]], manifest.Manifest]:
        bundle = self._bundle(arguments)
        parts = [part for part in bundle.binaries(arguments["cluster"]["version"]) if part.name in _ETCD_TOOLS]
        return [(part, _told(part, f"{TOOLS}/{part.name}")) for part in parts], bundle


def clock_offset(machine: t.Sequence[float], controller: tuple[float, float]) -> list[float]:
    """Lower and upper bound of a machine's clock less the controller's, in seconds. Pure.

    :param machine: its clock at the beginning and the end of what it did.
    :param controller: the controller's clock before and after that.
    """
    return [machine[1] - controller[1], machine[0] - controller[0]]


def abandoned(lines: t.Sequence[str], dead: t.Callable[[t.Mapping[str, t.Any]], bool]) -> list[str]:
    """Directories whose run is dead. Pure.

    :param lines: path of an owner file and its content, one line each, in turn.
    """
    answer = []
    for path, text in zip(lines[::2], lines[1::2], strict=False):
        try:
            owner = json.loads(text)
        except ValueError:
            continue
        if isinstance(owner, dict) and path.endswith(f"/{OWNER_FILE}") and dead(owner):
            answer.append(os.path.dirname(path))
    return answer
