# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors, proxy and names of the API server in the declaration; no password gets into a file of the machines."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.lodestar.platform.tests.unit.fleet.test_inventory import Declaration, read

KEYS = ("containerd_registry_mirrors", "cluster_proxy", "api_server_cert_sans")


def declared(**variables: t.Any) -> Declaration:
    declaration = Declaration()
    declaration.hosts["c1"] |= variables
    return declaration


def test_what_is_declared_is_returned_in_full() -> None:
    cluster = read(
        declared(
            containerd_registry_mirrors={
                "docker.io": ["https://m.example:5000", {"url": "http://n.example/v2", "ca_file": "/etc/ssl/n.crt"}],
                "_default": [{"url": "https://[2001:db8::5]:5000", "override_path": True}],
            },
            cluster_proxy={"https": "http://p.example:3128", "no_proxy": [".example.org", "192.0.2.0/24"]},
            api_server_cert_sans=["api.example.org", "192.0.2.77", "*.example.org"],
        )
    )["clusters"]["c1"]
    assert cluster["registry_mirrors"]["docker.io"] == [
        {"url": "https://m.example:5000", "ca_file": None, "override_path": False},
        {"url": "http://n.example/v2", "ca_file": "/etc/ssl/n.crt", "override_path": False},
    ]
    assert cluster["registry_mirrors"]["_default"][0]["override_path"] is True
    assert cluster["proxy"] == {
        "http": None,
        "https": "http://p.example:3128",
        "no_proxy": [".example.org", "192.0.2.0/24"],
    }
    assert cluster["api_server_cert_sans"] == ["api.example.org", "192.0.2.77", "*.example.org"]


def test_nothing_is_declared() -> None:
    cluster = read(Declaration())["clusters"]["c1"]
    assert (cluster["registry_mirrors"], cluster["proxy"], cluster["api_server_cert_sans"]) == ({}, {}, [])


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({KEYS[0]: {"docker.io/library": ["https://m"]}}, "containerd_registry_mirrors.docker.io/library"),
        ({KEYS[0]: {"docker.io": ["m.example"]}}, "containerd_registry_mirrors.docker.io[0].url"),
        ({KEYS[0]: {"docker.io": ["https://u:s3cr3t@m.example"]}}, "containerd_registry_mirrors.docker.io[0].url"),
        ({KEYS[0]: {"docker.io": [{"ca": "/x"}]}}, "containerd_registry_mirrors.docker.io[0].ca"),
        ({KEYS[0]: {"docker.io": [{}]}}, "containerd_registry_mirrors.docker.io[0].url"),
        ({KEYS[0]: {"docker.io": [5]}}, "containerd_registry_mirrors.docker.io[0]"),
        ({KEYS[0]: {"docker.io": []}}, "containerd_registry_mirrors.docker.io"),
        ({KEYS[0]: {"docker.io": "https://m.example"}}, "containerd_registry_mirrors.docker.io"),
        ({KEYS[1]: {"https": "http://u:s3cr3t@p.example"}}, "cluster_proxy.https"),
        ({KEYS[1]: {"https": 'http://p.example"'}}, "cluster_proxy.https"),
        ({KEYS[1]: {"no_proxy": ["x"]}}, "cluster_proxy"),
        ({KEYS[1]: {"http": "http://p.example", "no_proxy": ["a b"]}}, "cluster_proxy.no_proxy[0]"),
        ({KEYS[1]: {"htps": "http://p.example"}}, "cluster_proxy.htps"),
        ({KEYS[2]: ["API.example.org"]}, "api_server_cert_sans[0]"),
        ({KEYS[2]: ["1.2.3"]}, "api_server_cert_sans[0]"),
    ],
)
def test_what_is_wrong_is_named(variables: dict[str, t.Any], key: str) -> None:
    found = declared(**variables).problems()
    assert f"c1: {key}" in [name for name, _value, _reason in found]
    assert "s3cr3t" not in repr(found)
