# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module is: an argument spec and a function that plans.

The same operation runs as an ordinary module (:meth:`Operation.run_as_module`) and inside the Ansible process
(plugin_utils/in_process.py), with the same arguments, result and failures. Private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, field

from ansible.module_utils.basic import AnsibleModule

from . import result
from .errors import PlatformError
from .plan import Plan, StepFailed, carry_out

_Resource = t.TypeVar("_Resource")


@dataclass(frozen=True)
class Context:
    """What an operation may know of its surroundings, besides its arguments.

    :param environ: the environment of the task, the C(environment) keyword included.
    :param progress: tells the operator one line about a long operation, at once.
    :param resources: what is open until the operation ends.
    :param diff: somebody looks at the diff, which is not made for nobody.
    :param hub: a client of the hub that has been made already, for one look at many clusters.
    """

    environ: t.Mapping[str, str]
    progress: t.Callable[[str], None] = field(default=lambda line: None)
    resources: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False, compare=False)
    diff: bool = True
    hub: t.Any = field(default=None, repr=False, compare=False)

    def enter(self, resource: t.ContextManager[_Resource]) -> _Resource:
        """Opens something that the plan and its steps use; it is closed when the operation ends, however it ends."""
        return self.resources.enter_context(resource)


PlanFunction = t.Callable[[t.Mapping[str, t.Any], Context], Plan]


@dataclass(frozen=True)
class Operation:
    """A module's arguments and logic.

    :param arguments: the Ansible argument spec.
    :param plan: reads what is there and returns what to do. Must not change anything.
    :param constraints: C(required_if), C(mutually_exclusive) and the like.
    :param sensitive: the result holds secrets, and Ansible must not show a successful one.
    :param guard: held while a run plans and acts, such as the lock of a machine. Check mode takes none.
    """

    arguments: dict[str, t.Any]
    plan: PlanFunction
    constraints: dict[str, t.Any] = field(default_factory=dict)
    sensitive: bool = False
    guard: t.Callable[[t.Mapping[str, t.Any]], t.ContextManager[None]] | None = None

    def execute(self, params: t.Mapping[str, t.Any], context: Context, check_mode: bool) -> dict[str, t.Any]:
        """Plans, and carries the plan out unless in check mode. Returns the result; a failure is ``failed: true``.

        This is the one place of the collection that looks at check mode.
        """
        guard = None if check_mode else self.guard
        # What is done can be asked of its target; what would be done stands here alone.
        detail = result.Detail(context.diff, context.diff or check_mode)
        plan = Plan()
        try:
            with context.resources, guard(params) if guard is not None else contextlib.nullcontext():
                plan = self.plan(params, context)
                outputs: dict[str, t.Any] = {}
                if check_mode:
                    outputs = plan.rehearse() if plan.rehearse is not None else {}
                else:
                    carry_out(plan)
                    outputs = plan.finish() if plan.finish is not None else {}
        except StepFailed as exc:
            return result.from_failure(plan, exc, detail)
        except PlatformError as exc:
            return result.from_error(plan, exc, not check_mode, detail)
        return result.from_plan(plan, outputs, detail)

    def run_as_module(self) -> t.NoReturn:
        """The body of an ordinary module's C(main)."""
        module = AnsibleModule(argument_spec=self.arguments, supports_check_mode=True, **self.constraints)
        context = Context(environ=os.environ, diff=module._diff)
        answer = self.execute(module.params, context, module.check_mode)
        for warning in answer.pop("warnings", ()):
            module.warn(warning)
        # Ansible would return all arguments, and some hold secrets somewhere inside, such as a Secret's manifest.
        answer["invocation"] = {}
        if answer.get("failed"):
            module.fail_json(**answer)
        module.exit_json(**answer)
