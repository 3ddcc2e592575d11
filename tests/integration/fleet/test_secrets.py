# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No credential is seen anywhere while clusters are taken in, asked and let go by playbooks at full verbosity."""

from __future__ import annotations

import base64
import json
import sys
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import access_secret
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import RUNNER, ApiServer
from ..harness.leaks import LOG, Places, Watch, leaks, told_by
from ..harness.oauth import OAuthServer
from .plays import Fleet, changed
from .test_detach import policy, tenant

Object = dict[str, t.Any]
PASSWORD = "pass-4f1c77e09a-word"
NAMES = ("first", "second", "third")
#: Whatever is wrong shows more: the files of modules stay, and every fact is cached.
LOUD = ("-vvvv", "--diff")
#: A file that is gone when the run ends, with a secret in base64 that begins anywhere.
LEAVE = """
mkdir $TMPDIR/gone
printf x{{ canary }} | base64 -w0 > $TMPDIR/gone/file
sleep 0.5
rm -r $TMPDIR/gone
"""


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """What the user has: credentials, among other things."""
    made = tmp_path / "user"
    made.mkdir(mode=0o700)
    return made


def signature(token: str) -> str:
    """The part of a token that stands in no other one, so that half a token is found too."""
    return token.rpartition(".")[2]


def another_token(api: ApiServer) -> str:
    with Client(api.admin) as client:
        return str(client.create_token(*RUNNER, 7200)["token"])


def with_certificate(api: ApiServer) -> tuple[Object, str]:
    """A kubeconfig with a client certificate, and a line of its key."""
    made = api.kubeconfig()
    pair = api.authority.client("kubernetes-admin", "system:masters")
    made["users"][0]["user"] = {
        "client-certificate-data": base64.b64encode(pair.certificate.encode()).decode(),
        "client-key-data": base64.b64encode(pair.key.encode()).decode(),
    }
    return made, pair.key.splitlines()[1]


def with_program(api: ApiServer, user: Path, token: str) -> Object:
    """A kubeconfig with a program that tells a token."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    (user / "answer.json").write_text(json.dumps(answer))
    made = api.kubeconfig()
    command = {"command": "cat", "args": [str(user / "answer.json")], "interactiveMode": "Never"}
    made["users"][0]["user"] = {"exec": {"apiVersion": answer["apiVersion"], **command}}
    return made


class Household:
    """A fleet whose runs leave what they leave in one folder, and the secrets that must not be there."""

    def __init__(self, user: Path, fleet: Fleet, secrets: dict[str, str]) -> None:
        self.fleet, self.secrets = fleet, secrets
        self.left = user.parent / "left"
        self.seen: dict[tuple[str, bytes], None] = {}
        for name in ("tmp", "home", "cache"):
            (self.left / name).mkdir(parents=True)
        fleet.environ |= {
            "HOME": str(self.left / "home"),
            "TMPDIR": str(self.left / "tmp"),
            "ANSIBLE_KEEP_REMOTE_FILES": "1",
            "ANSIBLE_REMOTE_TEMP": str(self.left / "home" / "remote"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_LOG_PATH": str(self.left / LOG),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.left / "cache"),
            "LODESTAR_PLAN_FILE": str(self.left / "plan.json"),
        }

    def play(self, playbook: str | Path, *arguments: str, fails: bool = False) -> str:
        """One run; what it said.

        :param fails: it must.
        """
        with Watch(self.left) as watch:
            done = self.fleet.play(playbook, *LOUD, *arguments)
        self.seen |= watch.seen
        said = done.stdout + done.stderr
        self.seen[f"the output of {playbook}", said.encode()] = None
        assert (done.returncode != 0) == fails, said[max(0, said.find("[ERROR]") - 500) :][:4000]
        return said

    def found(self, places: Places) -> list[str]:
        """Every secret that is in what the runs left, or in these places."""
        return leaks(self.secrets, [*self.seen, *places])


@pytest.fixture
def household(three: list[ApiServer], hub_access: Object, user: Path, prefix: str) -> Household:
    token, told = another_token(three[0]), another_token(three[1])
    first = three[0].kubeconfig(replace(three[0].runner, token=token))
    third, key = with_certificate(three[2])
    clusters = {
        "first": {"kubeconfig": first},
        "second": {"kubeconfig": with_program(three[1], user, told), "kubeconfig_allow": ["exec"]},
        "third": {"kubeconfig": third, "cluster_access": {"tier": "lifecycle"}},
    }
    fleet = Fleet(user, hub_access, clusters, tenants=[tenant(prefix)], policies=[policy(prefix)])
    secrets = {
        "token of the kubeconfig": signature(token),
        "token of the program": signature(told),
        "client key": key,
        "token of the hub": signature(hub_access["token"]),
    }
    return Household(user, fleet, secrets)


def minted(hub: ApiServer) -> dict[str, str]:
    """The tokens that the hub keeps now."""
    found = {}
    with Client(hub.admin) as client:
        for name in NAMES:
            stored = access_secret.from_secret(name, client.get("v1", "Secret", f"{name}-kubeconfig", name))
            assert stored is not None
            found[f"minted token of {name}, {stored.expires}"] = signature(stored.token)
    return found


def test_no_secret_is_left_by_a_life_in_the_fleet(hub: ApiServer, three: list[ApiServer], household: Household) -> None:
    household.play("attach")
    household.secrets |= minted(hub)
    assert changed(household.play("attach")) == 0
    household.play("rekey", "-e", "rekey=third")
    household.secrets |= minted(hub)
    assert len(household.secrets) == 4 + len(NAMES) + 1
    household.play("fleet_status")
    named = dict(zip(("hub", *NAMES), (hub, *three), strict=True))
    assert household.found(place for name, api in named.items() for place in told_by(name, api)) == []
    household.play("detach", "-e", "detach_clusters=second")
    household.play("detach", "-e", "detach_clusters=first,third", "-e", "detach_unreachable=forget")
    assert household.found(place for name, api in named.items() for place in told_by(name, api)) == []


def test_no_secret_of_a_single_task_is_left(
    three: list[ApiServer], household: Household, user: Path, tmp_path: Path
) -> None:
    """Credentials as arguments, in tasks that succeed and that fail."""
    api, key = three[0], another_token(three[0])
    wrong = another_token(three[1])
    household.secrets |= {"api_key": signature(key), "api_key that fails": signature(wrong), "password": PASSWORD}
    with OAuthServer(tmp_path, "admin", PASSWORD) as openshift:
        variables = {"key": key, "wrong": wrong, "password": PASSWORD}
        (user / "keys.json").write_text(json.dumps(variables))
        here = {"host": api.url, "ca_cert": api.runner.ca_data}
        there = {"host": openshift.url, "ca_cert": openshift.authority.pair.certificate}
        tasks = [
            {"lodestar.platform.cluster_info": {**here, "api_key": "{{ key }}"}, "register": "told"},
            {"ansible.builtin.debug": {"var": "told"}},
            {"lodestar.platform.cluster_info": {**here, "api_key": "{{ wrong }}"}, "ignore_errors": True},
            {
                "lodestar.platform.cluster_info": {**there, "username": "admin", "password": "{{ password }}"},
                "ignore_errors": True,
            },
            {
                "lodestar.platform.cluster_preflight": {
                    **here,
                    "api_key": "{{ key }}",
                    "cluster": "first",
                    "tier": "x",
                },
                "ignore_errors": True,
            },
        ]
        said = household.play(written(user, tasks), "-e", f"@{user / 'keys.json'}")
    assert "the credential is not accepted" in said
    assert any(line.startswith("POST /oauth/token") for line in openshift.seen)
    assert household.found([]) == []


def test_what_leaks_is_found(hub: ApiServer, household: Household, user: Path) -> None:
    """The same search finds a secret in every place where a task puts it on purpose."""
    (user / "loud.json").write_text(json.dumps({"canary": household.secrets["token of the hub"]}))
    tasks = [
        {"ansible.builtin.debug": {"msg": "{{ canary }}"}},
        {"ansible.builtin.set_fact": {"kept": "{{ canary }}", "cacheable": True}},
        {"ansible.builtin.command": {"argv": ["sh", "-c", "sleep 0.5", "{{ canary }}"]}},
        {"ansible.builtin.shell": LEAVE},
    ]
    marked = {"name": "leak", "namespace": "default", "annotations": {"said": household.secrets["token of the hub"]}}
    with Client(hub.admin) as client:
        client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": marked})
        household.play(written(user, tasks), "-e", f"@{user / 'loud.json'}")
        found = household.found(told_by("hub", hub))
        client.delete("v1", "ConfigMap", "leak", "default")
    places = {line.removeprefix("token of the hub: ").split(" of ")[0] for line in found}
    assert {
        "the output",
        "ansible.log",
        "the arguments",
        "cache/s1_first",
        "tmp/gone/file",
        "hub: configmaps default/leak",
    } <= places


def written(user: Path, tasks: list[Object]) -> Path:
    """A playbook of these tasks on the cluster C(first)."""
    (user / "play.yml").write_text(yaml.safe_dump([{"hosts": "first", "gather_facts": False, "tasks": tasks}]))
    return user / "play.yml"
