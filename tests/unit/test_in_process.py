# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What in-process code sees of a task's arguments, and what is seen of a result that holds a secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.template import trust_as_template
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import plain

ROOT = Path(__file__).resolve().parents[2]
SECRET = "canary-5d1c"

#: A sensitive operation with one step, as an action plugin that runs in-process or as a module by another task name.
ACTION = """\
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Operation
from ansible_collections.lodestar.platform.plugins.module_utils.plan import Plan, Step
from ansible_collections.lodestar.platform.plugins.plugin_utils.{base[0]} import {base[1]}


def plan(params, context):
    step = Step("token", "create", params["name"], "make a token", before=None, after="(secret)")
    if params["fails"]:
        raise ZeroDivisionError
    return Plan(steps=[step], outputs={{"token": None}}, finish=lambda: {{"token": "{secret}"}})


arguments = {{"name": {{"type": "str"}}, "fails": {{"type": "bool"}}, "owner": {{"type": "dict"}}}}
OPERATION = Operation(arguments=arguments, plan=plan, sensitive=True)


class ActionModule({base[1]}):
    operation = OPERATION
"""
MODULE = """\
#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

arguments = dict(name=dict(type="str"), fails=dict(type="bool"), owner=dict(type="dict"))
module = AnsibleModule(arguments, supports_check_mode=True)
step = dict(id="token", action="create", target=module.params["name"], description="make a token", before=None)
step["after"] = "(secret)"
diff = [dict(before="", after="(secret)", before_header="token", after_header="token")]
if module.params["fails"]:
    module.fail_json(msg="no answer", plan=[], diff=[])
module.exit_json(changed=True, token=None if module.check_mode else "{secret}", plan=[step], diff=diff)
"""


def types(value: t.Any) -> set[type]:
    """The exact types of a value and of everything in it."""
    found = {type(value)}
    if isinstance(value, dict):
        for key, item in value.items():
            found |= types(key) | types(item)
    elif isinstance(value, list):
        for item in value:
            found |= types(item)
    return found


def test_tagged_values_become_what_a_module_would_get() -> None:
    tagged = {trust_as_template("a"): [trust_as_template("b"), {"count": 1, "on": True, "share": 0.5, "none": None}]}
    assert types(tagged) - {dict, list, str, int, bool, float, type(None)}, "the premise: there are tags"
    answer = plain(tagged)
    assert answer == {"a": ["b", {"count": 1, "on": True, "share": 0.5, "none": None}]}
    assert types(answer) <= {dict, list, str, int, bool, float, type(None)}


@pytest.fixture(params=[("in_process", "ControllerAction"), ("on_machine", "MachineAction")], ids=lambda base: base[1])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A playbook that runs a sensitive operation alone, and in a loop whose first round fails."""
    for folder, text in (("action_plugins", ACTION), ("library", MODULE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hidden.py").write_text(text.format(base=request.param, secret=SECRET))
    alone = {"name": "Alone", "hidden": {"name": "alone", "fails": False}, "register": "alone"}
    loop = {
        "name": "Loop",
        "hidden": {"name": "{{ item }}", "fails": "{{ item == 'first' }}"},
        "loop": ["first", "second"],
        "delegate_to": "{{ item }}",
        "register": "looped",
        "ignore_errors": True,
    }
    same = "(alone.token, looped.results[1].token) == ((none, none) if ansible_check_mode else (secret, secret))"
    used = {"name": "The registered results are whole", "ansible.builtin.assert": {"that": same}, "no_log": True}
    hosts = {name: {"ansible_connection": "local"} for name in ("here", "first", "second")}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    play = {"hosts": "here", "gather_facts": False, "tasks": [alone, loop, used]}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    (tmp_path / "secret.yml").write_text(yaml.safe_dump({"secret": SECRET}))
    return tmp_path


def play(project: Path, *options: str) -> tuple[str, list[dict[str, t.Any]]]:
    """Runs the playbook; returns its output and the tasks of its plan file."""
    environ = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        "ANSIBLE_HOME": str(project / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "LODESTAR_PLAN_FILE": str(project / "plan.json"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", "play.yml"]
    command += ["-e", "@secret.yml", *options]
    done = subprocess.run(command, cwd=project, env=environ, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert list((project / "home" / "tmp").iterdir()) == [], "what was told went with the run"
    return output, json.loads((project / "plan.json").read_text())["tasks"]


def test_steps_of_a_secret_result_are_in_the_plan_and_the_secret_is_nowhere(project: Path) -> None:
    outputs, plans = zip(
        *(play(project, *options) for options in (["--check", "--diff"], ["--diff", "-vvvv"])), strict=True
    )
    assert plans[0] == plans[1], "check mode predicts what the run does"
    assert [(task["task"], [step["target"] for step in task["steps"]]) for task in plans[0]] == [
        ("Alone", ["alone"]),
        ("Loop", ["second"]),
    ]
    assert plans[0][0]["steps"][0]["after"] == "(secret)"
    assert "+(secret)" in outputs[0], "--diff shows the step"
    assert "no_log: true" in outputs[1], "the result itself is hidden"
    assert [SECRET in text for text in (*outputs, json.dumps(plans))] == [False, False, False]
