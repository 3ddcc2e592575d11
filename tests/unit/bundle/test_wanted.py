# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an operator may ask for."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.wanted import check
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput

PARAMS = {
    "kubernetes_versions": ["1.36.3"],
    "architecture": "amd64",
    "source": "auto",
    "keep_go_cache": False,
    "verify": False,
}


def test_caches_are_where_xdg_says() -> None:
    assert check(PARAMS, {"HOME": "/home/a"}).path == Path("/home/a/.cache/lodestar/bundle")
    assert check(PARAMS, {"HOME": "/home/a", "XDG_CACHE_HOME": "/x"}).cache == Path("/x/lodestar")
    assert check({**PARAMS, "cache_dir": "/c"}, {}).path == Path("/c/bundle")


def test_versions_come_in_order() -> None:
    wanted = check({**PARAMS, "kubernetes_versions": ["1.36.10", "1.36.9", "1.9.1", "1.36.9"]}, {"HOME": "/"})
    assert wanted.versions == ("1.9.1", "1.36.9", "1.36.10")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"kubernetes_versions": ["1.36"]}, "kubernetes_versions"),
        ({"kubernetes_versions": ["v1.36.3"]}, "kubernetes_versions"),
        ({"kubernetes_versions": ["1.36.3", "1.36.3-rc.0"]}, "kubernetes_versions"),
        ({"kubernetes_versions": []}, "kubernetes_versions"),
        ({"source": "mirror"}, "mirror"),
        ({"source": "upstream"}, "upstream"),
    ],
)
def test_what_cannot_be_is_refused_by_key(change: dict[str, t.Any], key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check({**PARAMS, **change}, {})
    assert [problem.key for problem in caught.value.problems] == [key]
    assert caught.value.problems[0].remedy


@pytest.mark.parametrize(
    ("name", "place", "word"),
    [
        ("nginx", "registry.example.com/nginx", "coredns"),
        ("default", "registry.example.com/a:v1", "tag"),
        ("default", "ftp://registry.example.com", "http"),
        ("coredns", "registry.example.com", "repository"),
        ("coredns", "https://robot:s3cret@registry.example.com/a", "registry_logins"),
    ],
)
def test_a_place_of_images_that_cannot_be_is_refused_by_key(name: str, place: str, word: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check({**PARAMS, "upstream": {"images": {name: place}}}, {})
    assert [problem.key for problem in caught.value.problems] == [f"upstream.images.{name}"]
    assert word in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("login", ["robot:s3cret", {"username": "robot"}, {"username": "a:b", "password": "s3cret"}])
def test_a_login_that_cannot_be_is_refused_and_not_shown(login: t.Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        check({**PARAMS, "registry_logins": {"registry.example.com": login}}, {})
    assert [problem.key for problem in caught.value.problems] == ["registry_logins.registry.example.com"]
    assert "s3cret" not in str(caught.value)


def test_what_is_wanted_shows_no_password() -> None:
    login = {"username": "robot", "password": "s3cret"}
    wanted = check({**PARAMS, "registry_logins": {"registry.example.com": login}}, {})
    assert wanted.images.logins == {"registry.example.com": ("robot", "s3cret")}
    assert "s3cret" not in repr(wanted)
