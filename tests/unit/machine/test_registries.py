# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors and proxy of a machine: files as their readers want them, and no file of ours that is declared no more."""

from __future__ import annotations

import tomllib

from ansible_collections.lodestar.platform.plugins.module_utils.machine import files, registries
from ansible_collections.lodestar.platform.tests.unit.machine.examples import IMAGES, cluster

MIRRORS = {
    "docker.io": [
        {"url": "https://two.example:5000", "ca_file": "/etc/ssl/m.crt", "override_path": True},
        {"url": "http://one.example", "ca_file": None, "override_path": False},
    ],
    "_default": [{"url": "https://all.example", "ca_file": None, "override_path": False}],
}
HOSTS = "/etc/containerd/certs.d/docker.io/hosts.toml"


def test_mirrors_are_asked_in_their_order() -> None:
    made = registries.mirror_files(MIRRORS)
    assert set(made) == {HOSTS, "/etc/containerd/certs.d/_default/hosts.toml"}
    hosts = tomllib.loads(made[HOSTS])["host"]
    assert list(hosts) == ["https://two.example:5000", "http://one.example"]
    assert hosts["https://two.example:5000"] == {
        "capabilities": ["pull", "resolve"],
        "ca": "/etc/ssl/m.crt",
        "override_path": True,
    }
    assert hosts["http://one.example"] == {"capabilities": ["pull", "resolve"]}


def test_containerd_reads_mirrors_at_each_pull() -> None:
    """So that nothing is restarted: the directory is the same with and without mirrors."""
    with_mirrors = {item.path: item for item in files.desired_files(cluster(registry_mirrors=MIRRORS), IMAGES["pause"])}
    without = {item.path: item for item in files.desired_files(cluster(), IMAGES["pause"])}
    assert with_mirrors[HOSTS].reader is None
    assert with_mirrors["/etc/containerd/config.toml"] == without["/etc/containerd/config.toml"]
    read = tomllib.loads(without["/etc/containerd/config.toml"].content)
    assert read["plugins"]["io.containerd.cri.v1.images"]["registry"]["config_path"] == "/etc/containerd/certs.d"


def test_a_proxy_is_told_to_what_uses_it_with_what_is_reached_without() -> None:
    proxy = {"http": None, "https": "http://proxy.example:3128/%20", "no_proxy": ["registry.example", ".svc"]}
    made = {item.path: item for item in files.desired_files(cluster(proxy=proxy), IMAGES["pause"])}
    for service, path in registries.PROXY_FILES.items():
        assert (made[path].reader, made[path].mode) == (service, 0o600)
        assert made[path].content == (
            "[Service]\n"
            'Environment="HTTPS_PROXY=http://proxy.example:3128/%%20"\n'
            'Environment="NO_PROXY=localhost,127.0.0.1,::1,192.0.2.10,10.244.0.0/16,10.96.0.0/12,.svc,.cluster.local,'
            'registry.example"\n'
        )


def test_a_new_machine_changes_no_environment() -> None:
    proxy = {"http": "http://proxy.example", "https": None, "no_proxy": []}
    more = cluster(proxy=proxy, workers=["w1", "w2", "w3"])
    assert registries.proxy_files(more) == registries.proxy_files(cluster(proxy=proxy))


def test_files_of_ours_that_are_declared_no_more() -> None:
    own = "/etc/containerd/certs.d/own.example/hosts.toml"
    there = {HOSTS: registries.MARK + "x", own: "server = 'x'", registries.PROXY_FILES["kubelet"]: "[Service]\n"}
    desired = files.desired_files(cluster(), IMAGES["pause"])
    assert files.obsolete(desired, [HOSTS, own], there.get) == [
        (HOSTS, None),
        (registries.PROXY_FILES["kubelet"], "kubelet"),
    ]
    declared = files.desired_files(cluster(registry_mirrors=MIRRORS), IMAGES["pause"])
    assert files.obsolete(declared, [HOSTS, own], {HOSTS: there[HOSTS]}.get) == []
