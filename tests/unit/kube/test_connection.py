# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a connection is made of, and what a kubeconfig may not do."""

from __future__ import annotations

import base64
import copy
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.kube.address import check_server
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import (
    Connection,
    from_kubeconfig,
    read_kubeconfig,
    resolve,
)

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
CONFIG: dict[str, t.Any] = {
    "current-context": "one",
    "contexts": [
        {"name": "one", "context": {"cluster": "c", "user": "u"}},
        {"name": "two", "context": {"cluster": "c", "user": "certificate"}},
    ],
    "clusters": [
        {
            "name": "c",
            "cluster": {
                "server": "https://10.0.0.1:6443",
                "certificate-authority-data": base64.b64encode(PEM.encode()).decode(),
            },
        }
    ],
    "users": [
        {"name": "u", "user": {"token": "canary"}},
        {
            "name": "certificate",
            "user": {
                "client-certificate-data": base64.b64encode(PEM.encode()).decode(),
                "client-key-data": base64.b64encode(PEM.encode()).decode(),
            },
        },
    ],
}


def changed(**content: t.Any) -> dict[str, t.Any]:
    """The kubeconfig with more in its cluster and user."""
    config = copy.deepcopy(CONFIG)
    config["clusters"][0]["cluster"].update(content.get("cluster", {}))
    config["users"][0]["user"].update(content.get("user", {}))
    return config


def test_a_kubeconfig_gives_address_ca_and_credential() -> None:
    connection = from_kubeconfig(CONFIG)
    assert connection == Connection("https://10.0.0.1:6443", ca_data=PEM, token="canary")
    assert "canary" not in repr(connection)
    assert from_kubeconfig(CONFIG, "two").client_key == PEM


@pytest.mark.parametrize(
    ("content", "named", "remedy"),
    [
        ({"user": {"exec": {"command": "aws"}}}, "users[u]: exec = 'aws'", "kubeconfig_allow: [exec]"),
        ({"user": {"auth-provider": {"name": "oidc"}}}, "users[u]: auth-provider", "token"),
        ({"user": {"token": None, "tokenFile": "/t"}}, "users[u]: tokenFile", "kubeconfig_allow: [files]"),
        ({"user": {"client-certificate": "/c"}}, "users[u]: client-certificate", "--flatten"),
        ({"user": {"username": "u", "password": "p"}}, "users[u]: password", "token"),
        ({"user": {"as": "root"}}, "users[u]: as", "token"),
        ({"cluster": {"insecure-skip-tls-verify": True}}, "insecure-skip-tls-verify", "certificate-authority-data"),
        ({"cluster": {"proxy-url": "http://p"}}, "clusters[c]: proxy-url", "directly"),
        (
            {"cluster": {"certificate-authority-data": None, "certificate-authority": "/ca"}},
            "clusters[c]: certificate-authority",
            "kubeconfig_allow: [files]",
        ),
        ({"cluster": {"server": "https://169.254.169.254"}}, "clusters[c]: server", "kubeconfig_allow: [link-local]"),
        ({"cluster": {"server": "http://10.0.0.1"}}, "clusters[c]: server", "https://"),
    ],
)
def test_what_a_kubeconfig_may_not_do_is_refused_by_name(content: dict[str, t.Any], named: str, remedy: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        from_kubeconfig(changed(**content))
    assert named in str(refusal.value)
    assert remedy in str(refusal.value)
    assert "canary" not in str(refusal.value)


def test_allowed_files_are_read_and_must_be_absolute(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    config = changed(user={"token": None, "tokenFile": str(tmp_path / "token")})
    assert from_kubeconfig(config, allow=["files"]).token == "from-file"
    config["users"][0]["user"]["tokenFile"] = "token"
    with pytest.raises(InvalidInput):
        from_kubeconfig(config, allow=["files"])


def test_an_allowed_exec_plugin_gives_the_credential(tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    plugin.write_text(
        "#!/bin/sh\n"
        'echo \'{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
        '"status":{"token":"minted","expirationTimestamp":"2030-01-01T00:00:00Z"}}\'\n'
    )
    plugin.chmod(0o755)
    declared = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(plugin),
        "interactiveMode": "Never",
    }
    connection = from_kubeconfig(changed(user={"token": None, "exec": declared}), allow=["exec"])
    assert (connection.token, connection.expires) == ("minted", "2030-01-01T00:00:00Z")


def test_a_missing_context_names_those_that_are_there() -> None:
    with pytest.raises(InvalidInput) as refusal:
        from_kubeconfig(CONFIG, "three")
    assert "one, two" in str(refusal.value)


@pytest.mark.parametrize(
    "server",
    [
        "https://169.254.169.254/latest",
        "https://[fe80::1]:6443",
        "https://[::ffff:169.254.169.254]",
        "https://[fd00:ec2::254]",
        "https://0.0.0.0",
        "https://2852039166",
        "https://0xa9fea9fe",
        "https://0251.0376.0251.0376",
        "https://169.254.0xa9fe",
        "https://169.0xfea9fe",
        "https://\uff11\uff16\uff19.254.169.254",
        "https://169\u3002254\u3002169\u3002254",
        "https://[64:ff9b::a9fe:a9fe]",
        "https://[2002:a9fe:a9fe::1]",
        "https://[::169.254.169.254]",
        "https://[fe80::1%25eth0]",
        "https://168.63.129.16",
        "https://metadata.google.internal",
        "https://Metadata.Google.Internal.",
        "https://good.example@169.254.169.254",
        "https://user:secret@10.0.0.1",
        "https://10.0.0.1?x=1",
        "https://",
        "https://10.0.0.1:notaport",
        "10.0.0.1",
    ],
)
def test_addresses_that_cannot_be_an_api_server(server: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_server(server, "host")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "server",
    [
        "https://10.0.0.1:6443/",
        "https://k8s.example.com/k8s/clusters/c-1",
        "https://[fd00::1]:6443",
        "https://[::1]:6443",
    ],
)
def test_addresses_that_can(server: str) -> None:
    assert check_server(server, "host") == server.rstrip("/")


def test_arguments_win_over_the_environment() -> None:
    environ = {
        "K8S_AUTH_HOST": "https://env:6443",
        "K8S_AUTH_API_KEY": "env-token",
        "K8S_AUTH_SSL_CA_CERT": PEM,
        "K8S_AUTH_CONTEXT": "two",
    }
    assert resolve({}, environ) == Connection("https://env:6443", PEM, "env-token")
    assert resolve({"host": "https://arg:1", "api_key": "arg"}, environ) == Connection("https://arg:1", PEM, "arg")
    assert resolve({"host": "https://arg:1"}, environ) == Connection("https://arg:1", PEM, "env-token")
    assert resolve({"kubeconfig": CONFIG}, environ) == resolve({"kubeconfig": CONFIG}, {})
    access = {"server": "https://a:1", "token": "t", "ca_data": PEM, "expires": "2030-01-01T00:00:00Z"}
    assert resolve({"access": access}, environ) == Connection("https://a:1", PEM, "t", expires="2030-01-01T00:00:00Z")


def test_the_environment_names_a_kubeconfig_and_a_context(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(str(CONFIG).replace("'", '"'))
    environ = {"K8S_AUTH_KUBECONFIG": str(file), "K8S_AUTH_CONTEXT": "two"}
    assert resolve({}, environ).client_certificate == PEM
    assert resolve({"context": "one"}, environ).token == "canary"
    assert resolve({"kubeconfig": CONFIG}, {}).token == "canary"


@pytest.mark.parametrize("value", ["false", "no", "0", "False"])
def test_unverified_tls_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve({"kubeconfig": CONFIG}, {"K8S_AUTH_VERIFY_SSL": value})
    assert "K8S_AUTH_VERIFY_SSL" in str(refusal.value)
    assert resolve({"kubeconfig": CONFIG}, {"K8S_AUTH_VERIFY_SSL": "true"}).token == "canary"


def test_nothing_named_is_no_default_cluster() -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve({}, {"HOME": "/root", "KUBECONFIG": "/root/.kube/config"})
    assert "no cluster is named" in str(refusal.value)
    with pytest.raises(InvalidInput) as refusal:
        resolve({"host": "https://a:1"}, {})
    assert "api_key" in str(refusal.value)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "expands to more"),
        ("a: " + "[" * 500 + "]" * 500 + "\n", "nests deeper"),
        ("a: 1\nb: canary\na: 2\n", "stands twice"),
        ("a: &a\n  b: *a\n", "contains itself"),
        ("a: !!python/object:os.system canary\n", "not valid YAML"),
        ("a: canary: b: c\n", "not valid YAML"),
        ("a: b\n---\nc: d\n", "exactly one"),
        ("x" * (2 * 1024 * 1024) + "\n", "at most"),
    ],
)
def test_hostile_yaml_is_refused_without_quoting_it(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_kubeconfig(text)
    assert reason in str(refusal.value)
    assert "canary" not in str(refusal.value)
