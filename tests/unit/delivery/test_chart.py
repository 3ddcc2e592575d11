# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is accepted as the chart of a delivery, the values of a cluster, and what a chart's files say of it."""

from __future__ import annotations

import io
import tarfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.chart import overlaid
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import read_all, validate
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rendering import hidden
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rollout import kept
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.lodestar.platform.plugins.module_utils.kube.capabilities import capabilities
from ansible_collections.lodestar.platform.plugins.module_utils.kube.chart_files import Traits, traits

Object = dict[str, t.Any]
SECRET = "hunter2"
DIGEST = f"@sha256:{'0' * 64}"


def item(**chart: t.Any) -> Object:
    """A delivery of a chart without a mistake, and with the changes."""
    return {"name": "shop", "chart": {"source": "/charts/shop", "namespace": "shop", **chart}}


def remote(**chart: t.Any) -> Object:
    return item(**{"source": "oci://registry.example.org/charts/shop", "version": "1.2.3", **chart})


@pytest.mark.parametrize(
    "one",
    [
        item(),
        item(values={"a": [1, None]}, values_files=["/a.yml", "b.yml"], include_crds=True, hooks="leave_out"),
        item(cluster_values=[{"clusters": {"selector": {"matchLabels": {"a": "b"}}}, "values": {"a": 1}}]),
        item(release_name="r" * 53),
        remote(ca_file="/ca.pem", username="robot", password=SECRET),
        remote(source="oci://127.0.0.1:5000/a/b-c_d.e", version="v1.2.3-rc.1+build.5"),
        remote(source=f"oci://registry.example.org/shop{DIGEST}", version=None),
        {**item(), "src": ["/apps"], "objects": [{"kind": "Namespace"}]},
    ],
)
def test_what_is_accepted(one: Object) -> None:
    assert validate([one]) == []


@pytest.mark.parametrize(
    ("one", "key", "words"),
    [
        ({"name": "shop", "chart": SECRET}, "", "mapping"),
        (item(source=None), ".source", "path or oci"),
        (item(source="https://charts.example.org/shop"), ".source", "no source of charts"),
        (item(source="oci://registry.example.org"), ".source", "oci://host"),
        (item(namespace=None), ".namespace", "a release has a namespace"),
        (item(namespace="lodestar-system"), ".namespace", "platform's own"),
        (item(release_name="r" * 54), ".release_name", "53"),
        (item(version="1.2.3"), ".version", "in a registry"),
        (item(password=SECRET), ".password", "in a registry"),
        (item(values=[SECRET]), ".values", "mapping"),
        (item(values_files="a.yml"), ".values_files", "list"),
        (item(values_files=["a,b.yml"]), ".values_files[0]", "comma"),
        (item(valeus={"a": SECRET}), ".valeus", "did you mean 'values'"),
        (
            item(cluster_values=[{"clusters": {"names": ["east"]}, "values": {"a": 1}}]),
            ".cluster_values[0].clusters.names",
            "known",
        ),
        (item(cluster_values=[{"clusters": {}}]), ".cluster_values[0]", "says nothing"),
        (item(cluster_values=[{"values": SECRET}]), ".cluster_values[0].values", "mapping"),
        (item(cluster_values=[SECRET]), ".cluster_values[0]", "mapping"),
        (item(hooks="run"), ".hooks", "refuse, objects, leave_out"),
        (item(include_crds="yes"), ".include_crds", "boolean"),
        (remote(version=None), ".version", "whole version"),
        (remote(version=">=1.0"), ".version", "whole version"),
        (remote(source=f"oci://registry.example.org/shop{DIGEST}"), ".version", "digest"),
        (remote(username="robot"), ".password", "belong together"),
        (remote(password=SECRET), ".username", "belong together"),
        (remote(username="a:b", password=SECRET), ".username", "colon"),
        (remote(username="robot", password=[SECRET]), ".password", "no text"),
        ({**item(), "default_namespace": "other"}, ".namespace", "remove default_namespace"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_no_secret_is_told(one: Object, key: str, words: str) -> None:
    problems = validate([one])
    assert f"deliveries[shop].chart{key}" in [problem.key for problem in problems]
    text = " ".join(map(str, problems))
    assert words in text
    assert SECRET not in text


def test_values_are_merged_as_helm_merges_files() -> None:
    below = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}
    above = {"a": {"c": [3], "g": {}}, "d": None, "f": {"h": 1}}
    assert overlaid(below, above) == {"a": {"b": 1, "c": [3], "g": {}}, "d": None, "f": {"h": 1}}
    assert below == {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}, "f": 1}


def test_the_values_of_a_cluster_come_in_their_order() -> None:
    def some(values: Object, *files: str, **labels: str) -> Object:
        return {"clusters": {"selector": {"matchLabels": labels}}, "values": values, "values_files": list(files)}

    parts = [some({"a": 2}, "/east.yml", at="east"), some({"b": 3}, "/all.yml"), some({"a": 4}, at="west")]
    (one,) = read_all([item(values={"a": 1, "b": 1}, values_files=["/base.yml"], cluster_values=parts)])
    assert one.chart is not None
    assert one.chart.values_of({"labels": {"at": "east"}}) == (("/base.yml", "/east.yml", "/all.yml"), {"a": 2, "b": 3})
    assert one.chart.values_of({"labels": {"at": "west"}}) == (("/base.yml", "/all.yml"), {"a": 4, "b": 3})
    assert one.default_namespace == "shop"
    assert SECRET not in repr(read_all([remote(username="robot", password=SECRET, values={"a": SECRET})]))


def test_secrets_are_hidden_by_the_name_of_their_key() -> None:
    values = {
        "auth": {"users": [{"name": "robot", "x": SECRET}]},
        "dbPassword": SECRET + "-too",
        "image": "web",
        "tokens": 1,
    }
    assert hidden(f"{SECRET}-too {SECRET} robot web 1", values) == "<hidden> <hidden> <hidden> web 1"


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, content in files.items():
            about = tarfile.TarInfo(f"shop/{name}")
            about.size = len(content)
            made.addfile(about, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"templates.yaml": b"{{ .Values.a }} # capabilities: {drop: [ALL]}"}, Traits()),
        ({"templates.yaml": b"{{ .Capabilities.KubeVersion }}"}, Traits(cluster=True)),
        ({"Chart.yaml": b"name: a\nkubeVersion: '>=1.30'"}, Traits(cluster=True)),
        ({"README.md": b".Capabilities randAlphaNum"}, Traits()),
        ({"templates.yaml": b"{{ randAlphaNum 5 }}"}, Traits(volatile=True)),
        ({"_helpers.tpl": b"{{ genSignedCert a }}"}, Traits(volatile=True)),
        ({"sub.tgz": archive(templates=b"{{ now }} {{ $.Capabilities }}")}, Traits(True, True)),
    ],
)
def test_what_a_chart_looks_at(tmp_path: Path, files: dict[str, bytes], found: Traits) -> None:
    chart = tmp_path / "shop"
    chart.mkdir()
    for name, content in {"Chart.yaml": b"name: shop", **files}.items():
        (chart / name).write_bytes(content)
    (tmp_path / "shop.tgz").write_bytes(archive(**files))
    assert traits(str(chart)) == traits(str(tmp_path / "shop.tgz")) == found
    assert traits(str(chart), [b'{"a": "{{ .Capabilities }}"}']).cluster


def test_a_chart_that_is_edited_in_its_place_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: shop")
    before = traits(str(tmp_path)).digest
    (tmp_path / "README.md").write_text("Read me")
    assert traits(str(tmp_path)).digest == before
    assert traits(str(tmp_path), [b"{}"]).digest != before
    (tmp_path / "Chart.yaml").write_text("name: shop2")
    assert traits(str(tmp_path)).digest != before


def test_how_a_chart_is_fetched_is_neither_kept_nor_a_change() -> None:
    chart = {
        "source": "oci://registry.example.org/shop",
        "username": "puller",
        "password": "canary",
        "values": {"a": 1},
        "values_files": ["/here/values.yml"],
        "cluster_values": [{"clusters": {"selector": {}}, "values_files": ["/here/more.yml"]}],
    }
    found = kept.ways({"name": "shop", "chart": chart, "patches": []})
    values = {"values": {"a": 1}, "cluster_values": [{"clusters": {"selector": {}}}]}
    assert found == {"chart": values, "patches": []}


def test_a_directory_that_contains_itself_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: shop")
    (tmp_path / "again").symlink_to(tmp_path)
    assert traits(str(tmp_path)) == Traits()
    with pytest.raises(InvalidInput, match=r"holds no Chart\.yaml"):
        traits(str(tmp_path.parent))


class Old:
    """A cluster before 1.26, as far as it is asked: it knows no aggregated discovery."""

    def version(self) -> Object:
        return {"gitVersion": "v1.25.3"}

    def request(self, _method: str, path: str, **_given: t.Any) -> Object:
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        return {"kind": "APIGroupList", "groups": [{"versions": [{"groupVersion": "apps/v1"}]}]}

    def served(self, api: str) -> dict[str, None]:
        return {"v1": {"Pod": None, "--post-renderer=sh": None}, "apps/v1": {"Deployment": None}}[api]


def test_an_old_cluster_is_asked_for_each_api_and_no_name_becomes_an_option() -> None:
    known = t.cast(t.Any, Old())
    assert capabilities(known) == ("v1.25.3", ("apps/v1", "apps/v1/Deployment", "v1", "v1/Pod"))
