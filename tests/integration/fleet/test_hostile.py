# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What operators mistype, what a kubeconfig hides and what a hostile cluster answers: refused by name, or harmless."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.access_info import OPERATION as INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.attach import OPERATION as ATTACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.checks_probe import OPERATION as PREFLIGHT
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.detach import OPERATION as DETACH
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.fleet_info import OPERATION as FLEET_INFO
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.records_plan import OPERATION as RECORD
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client

from ..harness.apiserver import ApiServer
from ..harness.faults import FaultProxy
from ..harness.listing import differences
from .conftest import LODESTAR, run
from .plays import Fleet
from .test_detach import everything, govern, take_in
from .test_play import ROOT

Object = dict[str, t.Any]
OPERATIONS = (ATTACH, DETACH, PREFLIGHT, RECORD, INFO)
NAMES = (
    *("kube-system", "default", "lodestar-system", "local-cluster", "..", "a/../b", "%2e%2e", "a%2fb", "", "a" * 64),
    *(
        "\u0435ast",
        "east\n",
        "-east",
        "East",
        "e_ast",
        "east,west",
        "$(touch x)",
        "{{ 1 + 1 }}",
        "east west",
        "\x1b[31m",
    ),
    *("None", "True", "1.5"),
)


def writes(api: ApiServer, mark: int) -> list[t.Any]:
    """What was written by the runner or by our identity since a mark."""
    return [item for user in (None, LODESTAR) for item in api.audit.since(mark, *filter(None, [user])) if item.writes]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_name_of_a_cluster_is_refused_before_anything_is_asked(
    hub: ApiServer, member: ApiServer, hub_access: Object, name: str
) -> None:
    marks = hub.audit.mark(), member.audit.mark()
    for operation in OPERATIONS:
        given: Object = {"kubeconfig": member.kubeconfig()} if "kubeconfig" in operation.arguments else {}
        refused = run(operation, cluster=name, hub_access=hub_access, **given)
        assert refused["failed"], name
        (problem,) = refused["problems"]
        assert (problem["key"], problem["value"][:60]) == ("cluster", name[:60])
        assert "RFC 1123" in refused["msg"] or "another meaning" in refused["msg"]
        assert refused["msg"].replace("\n", "").isprintable()
    assert hub.audit.since(marks[0], LODESTAR) == []
    assert member.audit.since(marks[1]) == []


def test_a_cluster_whose_name_begins_like_another_is_not_touched_with_it(
    hub: ApiServer, three: list[ApiServer], hub_access: Object, prefix: str
) -> None:
    first, tenth = f"{prefix}-c1", f"{prefix}-c10"
    for name, api in ((first, three[0]), (tenth, three[1])):
        govern(name, take_in(api, hub_access, name))
    before, hub_before = everything(three[1]), everything(hub)
    assert run(DETACH, cluster=first, hub_access=hub_access, timeout=60)["state"] == "detached"
    assert differences(before, everything(three[1])) == []
    gone = {line.partition(": ")[0] for line in differences(hub_before, everything(hub))}
    assert gone
    assert [key for key in gone if tenth in key] == []


def hostile_kubeconfigs(made: Object, marker: Path) -> t.Iterator[tuple[str, str, Object]]:
    """(key that the message names, value that it names, kubeconfig)."""

    def changed(section: str, change: Object) -> Object:
        copy: Object = json.loads(json.dumps(made))
        inner = {"clusters": "cluster", "users": "user"}[section]
        copy[section][0][inner].update(change)
        return copy

    program = {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(marker)]}
    yield "users[test]: exec", "touch", changed("users", {"exec": program})
    yield "users[test]: client-key", "/etc/shadow", changed("users", {"client-key": "/etc/shadow"})
    yield "users[test]: as", "(not shown)", changed("users", {"as": "system:admin"})
    for key, value in (("tokenFile", "/etc/shadow"), ("username", "x"), ("auth-provider", {"name": "gcp"})):
        config = changed("users", {key: value})
        config["users"][0]["user"].pop("token")
        yield f"users[test]: {key}", "/etc/shadow" if key == "tokenFile" else "(not shown)", config
    config = changed("clusters", {"certificate-authority": "/etc/shadow"})
    config["clusters"][0]["cluster"].pop("certificate-authority-data")
    yield "clusters[test]: certificate-authority", "/etc/shadow", config
    yield "clusters[test]: insecure-skip-tls-verify", "True", changed("clusters", {"insecure-skip-tls-verify": True})
    yield "clusters[test]: proxy-url", "(not shown)", changed("clusters", {"proxy-url": "http://u:p@evil:3128"})
    for host in (
        *("169.254.169.254", "[fe80::1]", "metadata.google.internal", "2852039166", "0251.0376.0251.0376"),
        *(
            "0xa9fea9fe",
            "169.254.0xa9fe",
            "169\u3002254\u3002169\u3002254",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
        ),
    ):
        yield "clusters[test]: server", host, changed("clusters", {"server": f"https://{host}"})
    for host in ("good@127.0.0.1", "127.0.0.1:443@evil.example", "good.example:x@evil.example:6443"):
        yield "clusters[test]: server", "(not shown)", changed("clusters", {"server": f"https://{host}"})
    for address in ("http://127.0.0.1", "file:///etc/shadow", "https://127.0.0.1/?x=1", "https://a:b"):
        yield "clusters[test]: server", address, changed("clusters", {"server": address})


def test_a_kubeconfig_that_wants_more_than_to_carry_data_is_refused(
    hub: ApiServer, member: ApiServer, hub_access: Object, prefix: str, tmp_path: Path
) -> None:
    marks = hub.audit.mark(), member.audit.mark()
    for key, value, config in hostile_kubeconfigs(member.kubeconfig(), tmp_path / "made"):
        for operation in (ATTACH, PREFLIGHT):
            refused = run(operation, cluster=prefix, kubeconfig=config, hub_access=hub_access)
            assert refused["failed"]
            assert key in refused["msg"]
            assert value in refused["msg"], (key, value, refused["msg"])
            assert member.runner.token not in refused["msg"]
    assert not (tmp_path / "made").exists()
    assert writes(hub, marks[0]) == []
    assert member.audit.since(marks[1]) == []


def test_a_certificate_for_another_name_is_not_trusted(
    hub: ApiServer, member: ApiServer, hub_access: Object, prefix: str
) -> None:
    config = member.kubeconfig()
    config["clusters"][0]["cluster"]["tls-server-name"] = "kubernetes.example"
    mark = member.audit.mark()
    refused = run(PREFLIGHT, cluster=prefix, kubeconfig=config, hub_access=hub_access)
    assert "tls: " in refused["msg"]
    assert member.audit.since(mark) == []


NODES = "/api/v1/nodes"
UID = "/api/v1/namespaces/kube-system"


def body(content: t.Any) -> bytes:
    return json.dumps(content).encode()


def listed(*items: t.Any, **metadata: t.Any) -> bytes:
    return body({"kind": "NodeList", "apiVersion": "v1", "metadata": metadata, "items": list(items)})


NONSENSE: dict[str, tuple[str, Object]] = {
    "a list for an object": (UID, {"body": b"[]"}),
    "a bomb of brackets": (UID, {"body": b"[" * 200_000}),
    "a bomb of objects": (NODES, {"body": b'{"items":' * 50_000}),
    "a number of many digits": (UID, {"body": b'{"metadata":{"uid":' + b"9" * 10_000 + b"}}"}),
    "a page": (UID, {"body": b"<html>", "headers": {"Content-Type": "text/html"}}),
    "an identity that is a selector": (UID, {"body": body({"metadata": {"uid": "x,lodestar.platform/mode!=attach"}})}),
    "another identity": (UID, {"body": body({"metadata": {"uid": "x"}})}),
    "a version with a template": ("/version", {"body": body({"gitVersion": "v1.36.3{{ lookup('pipe', 'id') }}"})}),
    "a version that a terminal obeys": ("/version", {"body": body({"gitVersion": "v1.36.3\x1b[2J\nall is well"})}),
    "a version of a mebibyte": ("/version", {"body": body({"gitVersion": "v1.36." + "3" * 1024 * 1024})}),
    "no version": ("/version", {"body": b'["v1.36.3"]'}),
    "nodes that are none": (NODES, {"body": listed(1, "x", None)}),
    "nodes of the wrong shape": (NODES, {"body": listed({"metadata": {"name": "x"}, "status": ["Ready"]})}),
    "a node whose name breaks the line": (NODES, {"body": listed({"metadata": {"name": "x\nfake: ok=1"}})}),
    "a node whose name a terminal obeys": (NODES, {"body": listed({"metadata": {"name": "\x1b[2J"}})}),
    "pages without end": (NODES, {"body": listed(**{"continue": "again"})}),
    "a redirect to another host": (UID, {"status": 307, "headers": {"Location": "https://192.0.2.1/"}}),
    "a question for a password": (UID, {"status": 401, "headers": {"WWW-Authenticate": "Basic realm=x"}}),
    "a failure in escape codes": (NODES, {"status": 403, "body": body({"kind": "Status", "message": "\x1b[31mno"})}),
}


@pytest.fixture
def bystander(member: ApiServer, hub_access: Object, prefix: str) -> str:
    """Another cluster of the fleet."""
    name = f"{prefix}-good"
    take_in(member, hub_access, name)
    return name


def answers(hub_access: Object, **given: t.Any) -> dict[str, Object]:
    settings = {key: hub_access[key] for key in ("server", "ca_data", "token")}
    told = run(FLEET_INFO, access=settings, live=True, **given)
    assert not told.get("failed"), told["msg"]
    assert all(line.isprintable() for line in told["table"])
    return {item["name"]: item["live"] for item in told["clusters"]}


def test_a_cluster_that_answers_nonsense_is_told_by_name_and_hides_no_other(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, bystander: str, prefix: str
) -> None:
    with FaultProxy(hosted) as proxy:
        config = hosted.kubeconfig(proxy.connection)
        assert not run(ATTACH, cluster=prefix, kubeconfig=config, hub_access=hub_access).get("failed")
        made = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
        run(RECORD, cluster=prefix, mode="attach", access=made, hub_access=hub_access)
        assert answers(hub_access)[prefix]["state"] == "usable"
        mark = hub.audit.mark()
        for case, (path, given) in NONSENSE.items():
            proxy.faults.clear()
            proxy.add("answer", path=path, times=10_000, **{"status": 200, **given})
            found = answers(hub_access, deadline=3)
            assert found[bystander]["state"] == "usable", case
            assert found[prefix]["state"] in ("refused", "unreachable"), (case, found[prefix])
            assert found[prefix]["reason"], case
            assert len(found[prefix]["reason"]) < 1000, case
        assert writes(hub, mark) == []
        proxy.faults.clear()
        assert answers(hub_access)[prefix]["state"] == "usable"


@pytest.mark.parametrize("act", ["endless", "drip"])
def test_a_cluster_that_never_ends_its_answer_costs_its_deadline(
    hosted: ApiServer, hub_access: Object, bystander: str, prefix: str, act: str
) -> None:
    with FaultProxy(hosted) as proxy:
        config = hosted.kubeconfig(proxy.connection)
        assert not run(ATTACH, cluster=prefix, kubeconfig=config, hub_access=hub_access).get("failed")
        made = run(INFO, cluster=prefix, hub_access=hub_access)["access"]
        run(RECORD, cluster=prefix, mode="attach", access=made, hub_access=hub_access)
        proxy.add(act, path=UID, times=10_000)
        found = answers(hub_access, deadline=2)
        assert (found[prefix]["state"], found[bystander]["state"]) == ("unreachable", "usable")


NASTY = "v1.36.3{{ lookup('pipe', 'touch %s') }}"


def test_nothing_is_written_for_a_cluster_that_answers_nonsense_when_it_is_to_join(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, prefix: str
) -> None:
    with FaultProxy(hosted) as proxy:
        given = {"cluster": prefix, "kubeconfig": hosted.kubeconfig(proxy.connection), "hub_access": hub_access}
        marks = hub.audit.mark(), hosted.audit.mark()
        for case in ("a version with a template", "an identity that is a selector", "no version", "a bomb of brackets"):
            path, options = NONSENSE[case]
            proxy.faults.clear()
            proxy.add("answer", path=path, times=10_000, **{"status": 200, **options})
            # Of all namespaces at once, too.
            proxy.add("answer", path="/api/v1/namespaces?", status=200, times=10_000, body=spaces(options))
            for operation in (PREFLIGHT, ATTACH) if path == UID else (PREFLIGHT,):
                refused = run(operation, **given)
                assert refused["failed"], (case, operation)
                assert refused["msg"].replace("\n", "").isprintable()
        assert writes(hub, marks[0]) == []
        assert writes(hosted, marks[1]) == []


def spaces(options: Object) -> bytes:
    """A list of namespaces with the nonsense for kube-system."""
    try:
        space = json.loads(options["body"])
    except (ValueError, RecursionError):
        return bytes(options["body"])
    uid = space["metadata"]["uid"] if isinstance(space, dict) and "metadata" in space else "5f3c"
    return listed({"metadata": {"name": "kube-system", "uid": uid}})


def nasty_node(marker: Path) -> Object:
    """A node whose every text but its name, which is a template, is a template, a command and a code for terminals."""
    text = "{{ lookup('pipe', 'touch " + str(marker) + "') }}\x1b[2J\nfake: ok=1 $(touch " + str(marker) + ")"
    status = {
        "conditions": [{"type": "Ready", "status": "False", "reason": text, "message": text}],
        "nodeInfo": {"kubeletVersion": text, "architecture": text},
        "capacity": {"cpu": text, "memory": "9" * 10_000},
        "addresses": [{"type": "InternalIP", "address": text}],
    }
    labels = {"kubernetes.azure.com/cluster": text, "node-role.kubernetes.io/" + text: ""}
    spec = {"podCIDRs": [text], "providerID": text, "taints": [{"key": text, "effect": text}]}
    return {
        "metadata": {"name": text.partition("\x1b")[0], "labels": labels, "annotations": {text: text}},
        "spec": spec,
        "status": status,
    }


def test_nothing_that_a_cluster_says_is_a_template_or_a_command(
    hub: ApiServer, hosted: ApiServer, hub_access: Object, tmp_path: Path
) -> None:
    """Taken in, shown, and read back as an inventory, with every text of the cluster's nodes hostile."""
    marker = tmp_path / "made"
    with FaultProxy(hosted) as proxy:
        proxy.add("answer", path=NODES, status=200, times=10_000, body=listed(nasty_node(marker)))
        fleet = Fleet(tmp_path / "user", hub_access, {"first": {"kubeconfig": hosted.kubeconfig(proxy.connection)}})
        # A survey gives text, C(-e) too.
        for playbook, arguments in (("attach", ["-vv"]), ("fleet_status", ["-e", "status_fail=false"])):
            done = fleet.play(playbook, *arguments)
            said = done.stdout + done.stderr
            assert done.returncode == 0, said
            assert "\x1b" not in said
            assert "\nfake: ok=1" not in said
    with Client(hub.admin) as client:
        version = {"status": {"version": {"kubernetes": NASTY % marker}}}
        path = "/apis/cluster.open-cluster-management.io/v1/managedclusters/first/status"
        client.request("PATCH", path, body=version, content_type="application/merge-patch+json")
    use_as_inventory(hub_access, tmp_path)
    assert not marker.exists()
    gone = run(DETACH, cluster="first", hub_access=hub_access, unreachable="forget", timeout=60)
    assert gone["state"] == "detached"


def use_as_inventory(hub_access: Object, folder: Path) -> None:
    """A play on the hub's inventory that shows, composes and groups by what the cluster said."""
    source, play = folder / "hub.fleet.yml", folder / "play.yml"
    keyed = [{"key": "fleet_version", "prefix": "version"}]
    compose = {"said": "fleet_version", "more": "fleet_version ~ ''"}
    source.write_text(
        yaml.safe_dump({"plugin": "lodestar.platform.fleet", "keyed_groups": keyed, "compose": compose, "strict": True})
    )
    tasks = [
        {"ansible.builtin.debug": {"msg": "{{ fleet_version }} {{ said }} {{ more }}"}},
        {"ansible.builtin.set_fact": {"again": "{{ hostvars[inventory_hostname].fleet_version }}"}},
        {"ansible.builtin.debug": {"var": "again"}},
    ]
    play.write_text(yaml.safe_dump([{"hosts": "clusters", "gather_facts": False, "tasks": tasks}]))
    environ = {
        "K8S_AUTH_HOST": hub_access["server"],
        "K8S_AUTH_API_KEY": hub_access["token"],
        "K8S_AUTH_SSL_CA_CERT": hub_access["ca_data"],
    }
    command = [sys.executable, "-m", "ansible", "playbook", "-i", str(source), str(play)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lookup('pipe'" in done.stdout
