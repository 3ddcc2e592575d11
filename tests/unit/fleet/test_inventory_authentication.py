# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variable cluster_authentication: what is accepted, and what is refused by name before anything happens."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import Problem
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import inventory_authentication
from ansible_collections.lodestar.platform.plugins.module_utils.fleet.inventory_fields import Fields

Object = dict[str, t.Any]

CA = "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n"
GOOD: Object = {
    "jwt": [
        {
            "issuer": {
                "url": "https://sso.example.org/realms/x",
                "audiences": ["kubernetes"],
                "certificateAuthority": CA,
            },
            "claimMappings": {
                "username": {"claim": "email", "prefix": "sso:"},
                "groups": {"claim": "groups", "prefix": ""},
                "uid": {"claim": "sub"},
                "extra": [{"key": "example.org/tenant", "valueExpression": "claims.tenant"}],
            },
            "claimValidationRules": [{"claim": "hd", "requiredValue": "example.org"}],
            "userValidationRules": [{"expression": "user.username != ''", "message": "no name"}],
        },
        {
            "issuer": {
                "url": "https://other.example.org",
                "discoveryURL": "https://192.0.2.9/.well-known/openid-configuration",
                "audiences": ["a", "b"],
                "audienceMatchPolicy": "MatchAny",
            },
            "claimMappings": {"username": {"expression": "'other:' + claims.sub"}},
        },
    ],
    "anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]},
}


def read(value: t.Any, created: bool = True, **more: t.Any) -> tuple[Object, list[Problem]]:
    problems: list[Problem] = []
    fields = Fields("east: ", {"cluster_authentication": value, **more}, problems)
    issuers = ["https://kubernetes.default.svc.cluster.local"]
    return inventory_authentication.read(fields, created, issuers), problems


def test_what_is_declared_is_read_as_it_is() -> None:
    assert read(GOOD) == (GOOD, [])
    assert read(None) == ({}, [])
    assert read({"jwt": [GOOD["jwt"][0]]}, api_server_args={"anonymous-auth": True})[1] == []


def changed(path: str, value: t.Any) -> Object:
    """The good one with another value at a place such as C(jwt.0.issuer.url); C(None) removes it."""
    made = copy.deepcopy(GOOD)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    at: t.Any = made
    for part in way:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return made


ISSUER, NAME = "jwt.0.issuer", "jwt.0.claimMappings.username"
WRONG: dict[str, tuple[str, t.Any, str, str]] = {
    "another key": ("issuers", [], "issuers", "jwt"),
    "no list": ("jwt", {"issuer": {}}, "jwt", "list"),
    "no mapping": ("jwt.0", "https://sso.example.org", "jwt[0]", "mapping"),
    "a misspelt key": ("jwt.0.claimMapping", {}, "jwt[0].claimMapping", "claimMappings"),
    "no url": (f"{ISSUER}.url", None, "jwt[0].issuer.url", "required"),
    "not encrypted": (f"{ISSUER}.url", "http://sso.example.org", "jwt[0].issuer.url", "https://"),
    "an issuer twice": (f"{ISSUER}.url", "https://other.example.org", "jwt[1].issuer.url", "another issuer"),
    "the cluster's own issuer": (
        f"{ISSUER}.url", "https://kubernetes.default.svc.cluster.local", "jwt[0].issuer.url", "own tokens",
    ),
    "for anybody": (f"{ISSUER}.audiences", [], "jwt[0].issuer.audiences", "token for others"),
    "an audience twice": ("jwt.1.issuer.audiences", ["a", "a"], "jwt[1].issuer.audiences", "twice"),
    "two audiences": (f"{ISSUER}.audiences", ["a", "b"], "jwt[0].issuer.audienceMatchPolicy", "MatchAny"),
    "nobody has a name": (NAME, None, "jwt[0].claimMappings.username", "required"),
    "no prefix": (NAME, {"claim": "sub"}, "jwt[0].claimMappings.username.prefix", "required"),
    "a prefix of Kubernetes": (
        NAME, {"claim": "sub", "prefix": "system:"}, "jwt[0].claimMappings.username.prefix", "Kubernetes",
    ),
    "a prefix of its groups": (
        "jwt.0.claimMappings.groups.prefix", "system:serviceaccounts:", "jwt[0].claimMappings.groups.prefix", "names",
    ),
    "a prefix for nothing": (
        NAME, {"expression": "claims.sub", "prefix": "x:"}, "jwt[0].claimMappings.username.prefix", "no effect",
    ),
    "both": (
        NAME, {"expression": "claims.sub", "claim": "sub"}, "jwt[0].claimMappings.username.claim", "exactly one",
    ),
    "a rule of nothing": (
        "jwt.0.claimValidationRules", [{"message": "m"}], "jwt[0].claimValidationRules[0].claim", "exactly one",
    ),
    "a number": (
        "jwt.0.userValidationRules", [{"expression": 1}], "jwt[0].userValidationRules[0].expression", "text",
    ),
    "an extra without value": (
        "jwt.0.claimMappings.extra", [{"key": "a.b/c"}], "jwt[0].claimMappings.extra[0].valueExpression", "required",
    ),
    "nobody without a name": ("anonymous.enabled", False, "anonymous.enabled", "kubelets"),
    "a path that is none": ("anonymous.conditions", [{"path": "livez"}], "anonymous.conditions[0].path", "/"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case: str) -> None:
    path, value, key, words = WRONG[case]
    (problem,) = read(changed(path, value))[1]
    assert problem.key == f"east: cluster_authentication.{key}"
    assert words in f"{problem.reason}; {problem.remedy}"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{ISSUER}.url", "https://me:s3cr3t@sso.example.org"),
        (f"{ISSUER}.url", "https://sso.example.org?token=s3cr3t"),
        (f"{ISSUER}.certificateAuthority", "-----BEGIN EC PRIVATE KEY-----\ns3cr3t\n-----END EC PRIVATE KEY-----"),
        (f"{ISSUER}.certificateAuthority", CA + "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----\n"),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(path: str, value: str) -> None:
    (problem,) = read(changed(path, value))[1]
    assert "s3cr3t" not in str(problem)
    assert problem.value == "(not shown)"


def test_an_attached_cluster_is_configured_by_its_owner() -> None:
    value, (problem,) = read(GOOD, created=False)
    assert value == {}
    assert "attached" in problem.reason


def test_arguments_that_say_it_in_another_way_are_refused() -> None:
    given = {"oidc-issuer-url": "x", "authentication-config": "/x", "anonymous-auth": False, "v": 2}
    keys = [problem.key for problem in read(GOOD, api_server_args=given)[1]]
    assert keys == [
        f"east: api_server_args.{name}" for name in ("oidc-issuer-url", "authentication-config", "anonymous-auth")
    ]


def test_nothing_is_no_configuration() -> None:
    (problem,) = read({"jwt": []})[1]
    assert "configures nothing" in problem.reason
    (problem,) = read("https://sso.example.org")[1]
    assert problem.key == "east: cluster_authentication"


@pytest.mark.parametrize("path", ["clientSecret", "jwt.0.clientSecret", f"{ISSUER}.clientSecret", f"{NAME}.secret"])
def test_what_has_no_place_there_is_not_shown(path: str) -> None:
    """Settings of clients, which are often copied from, hold a secret."""
    _read, [problem] = read(changed(path, "canary"))
    assert problem.key.endswith(path.rpartition(".")[2])
    assert problem.value == "(not shown)"
    assert "canary" not in str(problem)
