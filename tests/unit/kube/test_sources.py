# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests from files, directories, globs and kustomizations: what is read, and what is taken for a failure."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.kube import sources
from ansible_collections.lodestar.platform.plugins.module_utils.kube.desired import normalise

SHOP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: shop}\n"


def read(*paths: Path, path: str = "") -> list[sources.Sourced]:
    return sources.read_paths([str(item) for item in paths], {"PATH": path})


def names(found: list[sources.Sourced]) -> list[str]:
    return [obj["metadata"]["name"] for _where, obj in found]


def refused(action: t.Callable[[], object]) -> str:
    with pytest.raises(InvalidInput) as refusal:
        action()
    return str(refusal.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "b.yaml").write_text(SHOP % "b")
    (tmp_path / "a.yml").write_text(f"# of a chart\n---\n{SHOP % 'a1'}---\n---\n{SHOP % 'a2'}")
    (tmp_path / "deep" / "er" / "c.json").write_text(
        '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "c"}}'
    )
    (tmp_path / "README.md").write_text("no manifest")
    (tmp_path / ".hidden.yml").write_text("{broken")
    (tmp_path / ".git" / "x.yml").write_text("{broken")
    return tmp_path


def test_a_directory_is_read_whole_in_the_order_of_names(folder: Path) -> None:
    found = read(folder)
    assert names(found) == ["a1", "a2", "b", "c"]
    assert [where.removeprefix(f"{folder}/") for where, _obj in found] == [
        "a.yml, document 1",
        "a.yml, document 3",
        "b.yaml",
        "deep/er/c.json",
    ]


def test_a_glob_finds_files_and_a_file_that_is_named_twice_is_read_once(folder: Path) -> None:
    assert names(read(folder / "*.yaml", folder / "**" / "*.json", folder / "b.yaml")) == ["b", "c"]
    assert "matches no file" in refused(lambda: read(folder / "*.yamll"))


def test_what_gives_no_object_is_taken_for_a_failure_and_all_are_named(folder: Path) -> None:
    (folder / "empty.yml").write_text("# a template that came to nothing\n---\n")
    (folder / "nothing").mkdir()
    said = refused(lambda: read(folder / "empty.yml", folder / "nothing", folder / "missing.yml", Path("relative.yml")))
    assert said.startswith("4 problem(s)")
    assert all(name in said for name in ("empty.yml", "nothing", "missing.yml", "relative.yml"))
    assert "empty text" in refused(lambda: sources.read_objects([SHOP % "a", " \n"]))
    assert "objects[1]" in refused(lambda: sources.read_objects([SHOP % "a", ""]))


def test_errors_name_the_file_and_never_quote_it(folder: Path) -> None:
    (folder / "broken.yml").write_text("password: hunter2\n  : {")
    (folder / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6162")
    (folder / "binary.yml").write_bytes(b"\xff\xfe\x00")
    for name, said in (("broken.yml", "line 2"), ("vault.yml", "ansible-vault"), ("binary.yml", "UTF-8")):
        message = refused(lambda name=name: read(folder / name))
        assert name in message
        assert said in message
        assert "hunter2" not in message


def test_an_object_that_two_files_declare_is_refused_with_both(folder: Path) -> None:
    (folder / "z.yml").write_text(SHOP % "b")
    found = read(folder)
    message = refused(lambda: normalise([obj for _where, obj in found], [where for where, _obj in found]))
    assert "v1/ConfigMap/shop/b" in message
    assert str(folder / "b.yaml") in message
    assert str(folder / "z.yml") in message


def test_items_of_typed_lists_need_not_say_what_they_are() -> None:
    item = {"metadata": {"name": "a", "namespace": "shop"}}
    listed = {"apiVersion": "v1", "kind": "ConfigMapList", "items": [item]}
    assert normalise([listed]) == [{"apiVersion": "v1", "kind": "ConfigMap", **item}]
    called = {"apiVersion": "a.example/v1", "kind": "AllowList", "metadata": {"name": "x"}, "items": [1]}
    assert normalise([called]) == [called]
    assert "objects[0], items[0]: metadata.name" in refused(
        lambda: normalise([{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod"}]}])
    )


@pytest.fixture
def kustomization(folder: Path) -> Path:
    (folder / "kustomization.yaml").write_text("resources: [b.yaml]\n")
    return folder


def program(folder: Path, name: str, script: str) -> str:
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    (place / name).write_text(f"#!/bin/sh\n{script}\n")
    (place / name).chmod(0o755)
    return str(place)


def test_a_kustomization_is_built_by_the_program_that_is_there(kustomization: Path, tmp_path_factory: t.Any) -> None:
    tools = tmp_path_factory.mktemp("tools")
    path = program(tools, "kubectl", 'test "$1" = kustomize && /bin/cat "$2/b.yaml"; test -z "$K8S_AUTH_API_KEY"')
    environ = {"PATH": path, "K8S_AUTH_API_KEY": "secret"}
    found = sources.read_paths([str(kustomization)], environ)
    assert names(found) == ["b"]
    assert found[0][0] == f"kustomization {kustomization}"
    program(tools, "kubectl", "echo 'no such base' >&2; exit 1")
    with pytest.raises(PlatformError, match="no such base"):
        sources.read_paths([str(kustomization)], environ)
    program(tools, "kubectl", "exit 0")
    assert "holds no object" in refused(lambda: sources.read_paths([str(kustomization)], environ))
    with pytest.raises(PlatformError, match="neither kustomize nor kubectl"):
        read(kustomization)


def test_a_kustomization_below_a_plain_directory_is_not_guessed_at(folder: Path) -> None:
    (folder / "deep" / "kustomization.yml").write_text("resources: []\n")
    assert "kustomization inside the plain directory" in refused(lambda: read(folder))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("!canary", "tag"),
        ("!!canary x", "tag"),
        ("!!int canary", "line 2"),
        ("!!binary canary=x", "tag"),
        ("!!timestamp canary", "tag"),
        ("!!set {canary}", "tag"),
    ],
)
def test_a_value_that_is_no_plain_text_is_named_by_its_line(value: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        sources.read_objects(f"kind: Secret\npassword: {value}\n")
    assert reason in str(refusal.value)
    assert "line 2" in str(refusal.value)
    assert "uote" in str(refusal.value)
    assert "canary" not in str(refusal.value)


def test_a_date_is_text_as_it_stands() -> None:
    dates = ["2027-01-01", "2027-02-30", "2027-01-01T00:00:00Z", "2027-01-01 10:00:00"]
    text = "\n".join(["kind: ConfigMap", *(f"d{place}: {date}" for place, date in enumerate(dates))])
    [(_where, read_one)] = sources.read_objects(text)
    assert [read_one[f"d{place}"] for place in range(len(dates))] == dates
