# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same task inside the Ansible process and as an ordinary module: one result, one failure, one environment.

The host ``inside`` has a local connection. The host ``outside`` has one that is local too, under another name, so that
its tasks run as modules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.objects import tenant_objects

ROOT = Path(__file__).resolve().parents[3]
ELSEWHERE = """\
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = '''
name: elsewhere
short_description: local, under another name
description: local, under another name
author: test
extends_documentation_fragment: [connection_pipelining]
'''


class Connection(Local):
    transport = "elsewhere"
"""

Results = dict[str, dict[str, t.Any]]


class Playbook:
    """Runs one task on both hosts and returns their results."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        (folder / "connection").mkdir()
        (folder / "connection" / "elsewhere.py").write_text(ELSEWHERE)
        hosts = {
            name: {"ansible_connection": connection, "ansible_python_interpreter": sys.executable}
            for name, connection in (("inside", "local"), ("outside", "elsewhere"))
        }
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
        self.output = ""

    def run(self, arguments: dict[str, t.Any], *options: str, **keywords: t.Any) -> Results:
        """The results by host. Both hosts get the same arguments."""
        task = {"name": "Task", "lodestar.platform.apply": arguments, "register": "answer", **keywords}
        save = {
            "name": "Save",
            "ansible.builtin.copy": {
                "content": "{{ answer | ansible.builtin.to_json }}",
                "dest": f"{self.folder}/{{{{ inventory_hostname }}}}.json",
                "mode": "0600",
            },
            "check_mode": False,
            "diff": False,
        }
        play = {"hosts": "all", "gather_facts": False, "environment": self.environment, "tasks": [task, save]}
        (self.folder / "play.yml").write_text(yaml.safe_dump([play]))
        command = ["ansible-playbook", "-i", "hosts.yml", "play.yml", *options]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = {
            **os.environ,
            "PATH": path,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CONNECTION_PLUGINS": str(self.folder / "connection"),
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output
        answers = {name: json.loads((self.folder / f"{name}.json").read_text()) for name in ("inside", "outside")}
        return {name: _comparable(answer) for name, answer in answers.items()}


def _comparable(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """A result without what Ansible adds on either way, and without the counts, which depend on who came first."""
    added = ("invocation", "exception", "failed_when_result", "requests")
    return {key: value for key, value in answer.items() if key not in added}


@pytest.fixture
def playbook(tmp_path: Path, api: ApiServer) -> Playbook:
    """Both hosts reach the API server by environment variables only."""
    (tmp_path / "ca.pem").write_text(api.runner.ca_data)
    environment = {
        "K8S_AUTH_HOST": api.url,
        "K8S_AUTH_API_KEY": api.runner.token,
        "K8S_AUTH_SSL_CA_CERT": str(tmp_path / "ca.pem"),
    }
    return Playbook(tmp_path, environment)


def test_check_mode_run_and_rerun_are_the_same_on_both_ways(
    playbook: Playbook, api: ApiServer, client: Client, prefix: str
) -> None:
    arguments = {"applyset": prefix, "cluster": "east", "objects": tenant_objects(prefix, 1)}
    mark = api.audit.mark()
    predicted = playbook.run(arguments, "--check", "--diff")
    assert predicted["inside"] == predicted["outside"]
    planned = [step["id"] for step in predicted["inside"]["plan"] if step["id"] != "v1/Namespace/lodestar-system"]
    assert len(planned) == len(arguments["objects"]) + 1
    assert len(predicted["inside"]["diff"]) == len(predicted["inside"]["plan"])
    assert not [request for request in api.audit.since(mark) if request.writes]
    assert f'+    "name": "{prefix}-0"' in playbook.output

    arguments["objects"][1]["spec"]["hard"]["pods"] = "21"
    done = playbook.run(arguments, "--limit=inside,outside", throttle=1)
    assert done["inside"]["changed"] != done["outside"]["changed"], "the second host finds everything done"
    again = playbook.run(arguments)
    assert again["inside"] == again["outside"]
    assert (again["inside"]["changed"], again["inside"]["plan"]) == (False, [])


def test_a_refusal_is_the_same_on_both_ways(playbook: Playbook, api: ApiServer, prefix: str) -> None:
    with Client(api.admin) as admin:
        admin.request(
            "POST",
            "/api/v1/namespaces",
            query={"fieldManager": "terraform"},
            body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{prefix}-0"}},
        )
    arguments = {"applyset": prefix, "cluster": "east", "objects": tenant_objects(prefix, 1)}
    refused = playbook.run(arguments, ignore_errors=True)
    assert refused["inside"] == refused["outside"]
    assert refused["inside"]["failed"] is True
    assert refused["inside"]["changed"] is False
    assert "terraform" in refused["inside"]["msg"]


def test_a_step_that_fails_says_what_was_done(playbook: Playbook, prefix: str) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": prefix, "namespace": "default"}}
    wrong = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": prefix, "namespace": "default"},
        "spec": {"ports": [{"port": 99999}]},
    }
    failed = playbook.run({"applyset": prefix, "objects": [config, wrong]}, ignore_errors=True)
    inside = failed["inside"]
    assert f"v1/ConfigMap/default/{prefix}" in inside["done"]
    assert inside["step"] == f"v1/Service/default/{prefix}"
    assert inside["changed"] is True
    assert "spec.ports[0].port" in inside["msg"]


def test_unverified_tls_is_refused_on_both_ways(playbook: Playbook, prefix: str) -> None:
    playbook.environment["K8S_AUTH_VERIFY_SSL"] = "false"
    refused = playbook.run({"applyset": prefix, "objects": []}, ignore_errors=True)
    assert refused["inside"] == refused["outside"]
    assert "K8S_AUTH_VERIFY_SSL" in refused["inside"]["msg"]


def test_no_secret_is_shown_at_full_verbosity(playbook: Playbook, api: ApiServer, prefix: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": prefix, "namespace": "default"},
        "stringData": {"password": "{{ canary }}"},
    }
    canary = f"canary-{prefix}-0123456789"
    access = {"server": api.url, "ca_data": api.runner.ca_data, "token": "{{ token }}"}
    secrets = playbook.folder / "secrets.json"
    secrets.write_text(json.dumps({"canary": canary, "token": api.runner.token}))
    playbook.environment = {}
    arguments = {"applyset": prefix, "objects": [secret], "access": access}
    playbook.run(arguments, "--diff", "-e", f"@{secrets}")
    assert canary not in playbook.output
    playbook.run(arguments, "--diff", "-vvvv", "-e", f"@{secrets}")
    assert canary not in playbook.output
    assert api.runner.token not in playbook.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"applyset": "x", "objects": [], "obejcts": []}, "obejcts"),
        ({"objects": []}, "applyset"),
        ({"applyset": "x", "objects": [], "wait_timeout": "soon"}, "wait_timeout"),
        (
            {
                "applyset": "x",
                "objects": [],
                "kubeconfig": "/no/such/file",
                "access": {"server": "https://10.0.0.1", "token": "secret-token"},
            },
            "mutually",
        ),
    ],
)
def test_wrong_arguments_are_the_same_on_both_ways(playbook: Playbook, arguments: dict[str, t.Any], said: str) -> None:
    refused = playbook.run(arguments, ignore_errors=True)
    assert said in refused["inside"]["msg"]
    assert refused["inside"]["msg"] == refused["outside"]["msg"].replace(
        "(ansible_collections.lodestar.platform.plugins.modules.apply)", "(lodestar.platform.apply)"
    )
