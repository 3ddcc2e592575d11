# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's operation inside the Ansible process, which costs milliseconds where a module costs half a second.

An action plugin of one line names the module:

    class ActionModule(InProcessAction):
        operation = tenant.OPERATION

It runs in-process when the task's connection is local, and as an ordinary module otherwise. Private to the collection.
"""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context, Operation
from ansible_collections.lodestar.platform.plugins.module_utils.output import printable
from ansible_collections.lodestar.platform.plugins.plugin_utils.told import tell

display = Display()


def plain(value: t.Any) -> t.Any:
    """A deep copy without Ansible's tagged and lazy types, so that logic sees what a module would see."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


class _Whole:
    """What the validator need not look into, and would only copy."""

    def __init__(self, value: t.Any) -> None:
        self.value = value

    def __deepcopy__(self, _memo: t.Any) -> _Whole:
        return self


class SensitiveAction(ActionBase):
    """Runs the module of the same name where the task says, and keeps a successful result out of every output."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False
    _requires_connection = True

    operation: t.ClassVar[Operation]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        return self._censor(self._execute_module(task_vars=task_vars), task_vars or {})

    def _censor(self, answer: dict[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Hides a result that holds a secret, and tells the plan callback its steps, which hold none."""
        if self.operation.sensitive and not answer.get("failed"):
            answer["_ansible_no_log"] = True
            tell(self._task._uuid, str(task_vars.get("inventory_hostname")), answer)
        return answer


class ControllerAction(SensitiveAction):
    """Inside the Ansible process, whatever the connection: for what concerns the inventory rather than a host."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        ActionBase.run(self, tmp, task_vars)
        params = self._arguments()
        context = Context(environ=self._environ(), progress=self._progress, diff=bool(self._task.diff))
        try:
            inputs = self._inputs(task_vars or {})
        except PlatformError as exc:
            return {"failed": True, "msg": str(exc), **exc.details}
        answer = self.operation.execute({**params, **inputs}, context, self._task.check_mode)
        return self._censor(answer, task_vars or {})

    def _arguments(self) -> dict[str, t.Any]:
        """The task's arguments as a module would get them: validated, with defaults, plain.

        ActionBase.validate_argument_spec does the same to tagged values, whose deep copy takes longer than the rest.
        """
        make: t.Any = ArgumentSpecValidator
        given = plain(self._task.args)
        kept = {key: _Whole(value) for key, value in given.items() if value is not None and self._is_free(key)}
        result = make(self.operation.arguments, **self.operation.constraints).validate({**given, **kept})
        if result.errors.errors:
            unknown = any(isinstance(error, UnsupportedError) for error in result.errors.errors)
            prefix = f"Unsupported parameters for ({self._task.action}) module: " if unknown else ""
            raise AnsibleActionFail(prefix + result.errors.msg, obj=self._task.args)
        return {**given, **result.validated_parameters, **{key: given[key] for key in kept}}

    def _is_free(self, key: str) -> bool:
        """True for an argument of which anything is accepted, and nothing is secret."""
        spec = self.operation.arguments.get(key) or {}
        return spec.get("type") == "raw" and not spec.get("no_log")

    def _inputs(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Arguments that come from the run itself, as plain data; they take the place of the task's."""
        return {}

    def _environ(self) -> dict[str, str]:
        """The process environment, overlaid with the task's C(environment), which reaches no in-process code by
        itself."""
        environ = dict(os.environ)
        declared = self._task.environment if isinstance(self._task.environment, list) else [self._task.environment]
        for item in declared:
            values = self._templar.template(item) if item is not None else None
            environ.update({str(key): str(value) for key, value in (values or {}).items()})
        return environ

    def _progress(self, line: str) -> None:
        display.display(printable(line))


class InProcessAction(ControllerAction):
    """Inside the Ansible process when the connection is local, otherwise an ordinary module on the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        if self._connection.transport != "local" or self._play_context.become:
            return SensitiveAction.run(self, tmp, task_vars)
        return super().run(tmp, task_vars)
