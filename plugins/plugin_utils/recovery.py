# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads recovery files with the vault secrets of the run, and brings keys from a control plane into one.

Keys are in this process and in the file, never in a variable or a result. Private to the collection.
"""

from __future__ import annotations

import os
import time
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import is_encrypted
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError, Refused
from ansible_collections.lodestar.platform.plugins.module_utils.machine import recovery
from ansible_collections.lodestar.platform.plugins.module_utils.machine.recovery_file import place_problem
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import ControllerAction, plain
from ansible_collections.lodestar.platform.plugins.plugin_utils.on_machine import MachineAction, run_owner

_KEYS_MODULE = "lodestar.platform.cluster_keys"


class Seen(t.NamedTuple):
    """A path that a recovery file is declared at.

    :param facts: what may be known of it, as C(recovery.decide) takes it; no key.
    :param content: what :func:`recovery.parse` gives, C(None) where there is no file or it cannot be read.
    """

    facts: dict[str, t.Any]
    content: dict[str, t.Any] | None


def look(declared: str, loader: t.Any) -> Seen:
    """Reads what is at the path of a recovery file."""
    path = os.path.expanduser(declared)
    facts: dict[str, t.Any] = {"path": declared, "state": recovery.ABSENT, "cluster": None, "uid": None, "keys": {}}
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except FileNotFoundError:
        problem = place_problem(path, plain=False)
        return Seen({**facts, "problem": problem} if problem else facts, None)
    except OSError as exc:
        return _unusable(facts, f"cannot be read: {exc.strerror}", "Permit it, or name another file")
    facts["state"] = recovery.VAULT if is_encrypted(data) else recovery.PLAIN
    problem = place_problem(path, plain=facts["state"] == recovery.PLAIN)
    if problem:
        return Seen({**facts, "problem": problem}, None)
    try:
        content = _parsed(data, facts["state"], loader)
    except PlatformError as exc:
        return _unusable(facts, f"is no recovery file: {exc}", "Name another file, or correct it")
    if content is None:
        return Seen({**facts, "state": recovery.LOCKED}, None)
    known = {"cluster": content["cluster"], "uid": content["uid"], "keys": recovery.digests(content["keys"])}
    return Seen({**facts, **known, "expired": recovery.expired(content["keys"], time.time())}, content)


def _unusable(facts: dict[str, t.Any], reason: str, remedy: str) -> Seen:
    return Seen({**facts, "problem": {"reason": reason, "remedy": remedy}}, None)


def _parsed(data: bytes, state: str, loader: t.Any) -> dict[str, t.Any] | None:
    """The content, C(None) where no secret of the run opens it."""
    if state == recovery.VAULT:
        try:
            # The only way to the secrets of the run that decrypts what was read already.
            data, _shown = loader._decrypt_if_vault_data(data)
        except AnsibleError:
            return None
    try:
        return recovery.parse(plain(yaml.safe_load(bytes(data))))
    except (yaml.YAMLError, UnicodeDecodeError):
        # The parser's own message shows a piece of the file.
        raise PlatformError("it is neither JSON nor YAML") from None


class DecisionAction(ControllerAction):
    """Tells the operation what is at the declared path of the cluster's recovery file."""

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        declared = plain(self._task.args.get("cluster") or {}).get("recovery_file")
        return {"recovery": look(declared, self._loader).facts} if declared else {}


class FoundingAction(MachineAction):
    """Gives a founding machine the keys of the recovery file; in check mode only their names."""

    def _on_machine(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        declared = (arguments.get("cluster") or {}).get("recovery_file")
        if arguments.get("state") == "found" and declared:
            seen = look(declared, self._loader)
            if seen.facts.get("problem") or seen.facts["state"] == recovery.LOCKED:
                return {"failed": True, "msg": f"the recovery file {declared} cannot be read any more; run again"}
            keys = seen.content["keys"] if seen.content else {}
            arguments = {**arguments, "recovered": list(keys)}
            if keys and not self._task.check_mode:
                arguments["material"] = {"recovery": keys}
        return super()._on_machine(arguments, task_vars)


class RecoveryAction(ControllerAction):
    """Brings from the machine the keys that the file lacks, and no others."""

    _requires_connection = True

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        arguments = plain(self._task.args)
        seen = look(arguments["path"], self._loader)
        if seen.facts.get("problem") or seen.facts["state"] in (recovery.LOCKED, recovery.VAULT):
            raise Refused(f"the recovery file {arguments['path']} cannot be changed any more; run again")
        if seen.content and seen.content["cluster"] != arguments["cluster"]["name"]:
            raise Refused(f"the recovery file {arguments['path']} holds the keys of {seen.content['cluster']}")
        kept = seen.content["keys"] if seen.content else {}
        held: dict[str, str] = arguments.get("held") or {}
        lacking = [name for name in held if name not in kept]
        keys = {} if self._task.check_mode or not lacking else self._fetch(arguments, lacking, task_vars)
        changed = [
            name for name, text in {**kept, **keys}.items() if held and recovery.digest(name, text) != held[name]
        ]
        if changed and not self._task.check_mode:
            raise Refused(f"{arguments['path']}: the machine holds another {', '.join(changed)}; nothing was written")
        return {"file": seen.content, "keys": keys}

    def _fetch(self, task: t.Mapping[str, t.Any], names: list[str], task_vars: dict[str, t.Any]) -> dict[str, str]:
        contexts = [self._play_context, self._connection._play_context]
        shown = [context.no_log for context in contexts]
        try:
            for context in contexts:
                # At -vvv the connection shows what the module wrote.
                context.no_log = True
            arguments = {"cluster": task["cluster"], "machine": task["machine"], "names": names, "owner": run_owner()}
            answer = self._execute_module(module_name=_KEYS_MODULE, module_args=arguments, task_vars=task_vars)
        finally:
            for context, value in zip(contexts, shown, strict=True):
                context.no_log = value
        if answer.get("failed") or answer.get("unreachable"):
            raise PlatformError(f"the keys cannot be read: {answer.get('msg')}")
        return {str(name): str(text) for name, text in answer["keys"].items()}
