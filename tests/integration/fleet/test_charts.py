# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Helm charts in deliveries, rendered by helm itself: from directories, archives and a registry, for each cluster."""

from __future__ import annotations

import re
import ssl
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.content import Content, read_content
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.model import read_all
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.operate import OPERATION
from ansible_collections.lodestar.platform.plugins.module_utils.delivery.rendering import open_chart
from ansible_collections.lodestar.platform.plugins.module_utils.errors import InvalidInput, PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.kube import helm as helm_program
from ansible_collections.lodestar.platform.plugins.module_utils.operation import Context

from ...unit.bundle.registry_server import LOGIN, Store, serving
from ..harness import charts, gobuilt, pki
from ..harness.charts import SETTINGS, Helm
from .conftest import LODESTAR
from .test_delivery import NAMES, Deliveries, attached, fleet, space

__all__ = ["attached", "fleet"]

# The first test waits until helm is built.
pytestmark = pytest.mark.timeout(1800)
Object = dict[str, t.Any]
CLUSTERS: dict[str, Object] = {
    "east": {"name": "east", "labels": {"size": "small"}},
    "west": {"name": "west", "labels": {"size": "large"}},
    "north": {"name": "north", "labels": {"size": "large"}},
}
SECRET = "hunter2-and-more"
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, annotations: {{helm.sh/hook: "{hook}", helm.sh/hook-weight: "1"}}}}
"""
CHART_KIND = "application/vnd.cncf.helm"


@pytest.fixture(scope="module", params=[3, pytest.param(4, marks=pytest.mark.full)])
def helm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """helm, of each version that there is."""
    return Helm.noting(gobuilt.helm(request.param), tmp_path_factory.mktemp("path") / "bin")


@pytest.fixture(autouse=True)
def _forgotten(request: pytest.FixtureRequest) -> None:
    if "helm" in request.fixturenames:
        request.getfixturevalue("helm").calls()


class Rendered:
    """What clusters get of a delivery of a chart."""

    def __init__(self, helm: Helm, chart: Object, **changes: t.Any) -> None:
        (one,) = read_all([{"name": "shop", "chart": {"namespace": "shop", **chart}, **changes}])
        assert one.chart is not None
        context = Context(environ=helm.environ)
        with context.resources:
            rendering = open_chart(one.name, one.chart, context)
            self.content = Content(one, read_content(one, {}), list(CLUSTERS), {}, rendering)
            self.objects = {name: list(self.content.of(cluster)) for name, cluster in CLUSTERS.items()}
        self.renderings = rendering.count

    def settings(self, key: str) -> dict[str, str]:
        """A value of the ConfigMap, by cluster."""
        return {name: objects[0]["data"][key] for name, objects in self.objects.items()}


def wrong(helm: Helm, chart: Object, **changes: t.Any) -> str:
    """What a delivery of a chart is refused for."""
    with pytest.raises(InvalidInput) as refused:
        Rendered(helm, chart, **changes)
    return str(refused.value)


def test_values_by_label_and_one_rendering_for_clusters_that_are_alike(helm: Helm, tmp_path: Path) -> None:
    chart = charts.made(tmp_path / "web", {"settings.yaml": SETTINGS}, {"size": "default", "gone": {"a": 1}})
    files = {name: tmp_path / f"{name}.yml" for name in ("all", "large")}
    files["all"].write_text("mode: from-a-file\nsize: from-a-file\n")
    files["large"].write_text("size: large-file\n")
    large = {"clusters": {"selector": {"matchLabels": {"size": "large"}}}, "values_files": [str(files["large"])]}
    small = {"clusters": {"selector": {"matchLabels": {"size": "small"}}}, "values": {"size": None}}
    given = {
        "source": str(chart), "values": {"mode": SECRET}, "values_files": [str(files["all"])], "release_name": "web",
        "cluster_values": [large, small],
    }  # fmt: skip
    found = Rendered(helm, given)
    # Values win over files, later ones over earlier ones, and null takes away what the chart says itself.
    assert found.settings("mode") == dict.fromkeys(CLUSTERS, SECRET)
    assert found.settings("size") == {"east": "none", "west": "large-file", "north": "large-file"}
    assert found.settings("namespace") == dict.fromkeys(CLUSTERS, "shop")
    assert found.objects["east"][0]["metadata"]["name"] == "web-settings"
    assert found.renderings == 2
    calls = helm.calls()
    assert len(calls) == 2
    assert SECRET not in "".join(calls)
    assert all(call.endswith("KUBECONFIG=/dev/null ") for call in calls)
    assert "--kube-version" not in "".join(calls)


def test_an_archive_is_the_same_and_patches_and_replicas_come_after_it(helm: Helm, tmp_path: Path) -> None:
    web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 5}\n"
    chart = charts.made(tmp_path / "web", {"settings.yaml": SETTINGS, "web.yaml": web})
    archive = tmp_path / "web-1.2.3.tgz"
    archive.write_bytes(charts.packed(chart))
    patch = {"target": {"kind": "ConfigMap"}, "json_patch": [{"op": "replace", "path": "/data/mode", "value": "x"}]}
    weights = {"division": "weighted", "weights": {"east": 1, "west": 1, "north": 3}}
    changes = {"patches": [patch], "replicas": weights, "objects": [space("shop")]}
    found = [Rendered(helm, {"source": str(source)}, **changes) for source in (chart, archive)]
    assert found[0].objects == found[1].objects
    objects = found[0].objects["north"]
    assert [obj["kind"] for obj in objects] == ["Namespace", "ConfigMap", "Deployment"]
    assert objects[1]["data"]["mode"] == "x"
    assert {name: some[2]["spec"]["replicas"] for name, some in found[0].objects.items()} == {
        "east": 1, "west": 1, "north": 3,
    }  # fmt: skip
    some = Rendered(helm, {"source": str(chart)}, patches=[{**patch, "target": {"name": "other"}}])
    assert "fits no object" in str(some.content.problems()[0])
    other = [{"clusters": {"selector": {"matchLabels": {"size": "small"}}}, "values": {"mode": "other"}}]
    (chart / "templates" / "web.yaml").write_text(web.replace("5", '{{ eq .Values.mode "plain" | ternary 5 2 }}'))
    told = wrong(helm, {"source": str(chart), "cluster_values": other}, replicas=weights)
    assert "apps/v1/Deployment/web" in told
    assert "not the same everywhere" in told


def test_hooks_are_refused_held_or_left_out_and_tests_never_come(helm: Helm, tmp_path: Path) -> None:
    hooks = {
        "a.yaml": ("migrate", "pre-install,pre-upgrade"),
        "b.yaml": ("test", "test"),
        "c.yaml": ("old", "test-success"),
    }
    templates = {file: HOOK.format(name=name, hook=hook) for file, (name, hook) in hooks.items()}
    chart = charts.made(tmp_path / "web", {**templates, "settings.yaml": SETTINGS})
    told = wrong(helm, {"source": str(chart)})
    assert "v1/ConfigMap/migrate (pre-install,pre-upgrade)" in told
    assert "hooks: objects" in told
    assert "ConfigMap/test" not in told
    held = Rendered(helm, {"source": str(chart), "hooks": "objects"}).objects["east"]
    assert sorted(obj["metadata"]["name"] for obj in held) == ["migrate", "shop-settings"]
    assert not [obj for obj in held if "helm.sh/hook" in str(obj)]
    left = Rendered(helm, {"source": str(chart), "hooks": "leave_out"}).objects["east"]
    assert [obj["metadata"]["name"] for obj in left] == ["shop-settings"]


def test_what_is_new_each_time_is_refused(helm: Helm, tmp_path: Path) -> None:
    secret = """\
apiVersion: v1
kind: Secret
metadata: {name: keys, annotations: {helm.sh/resource-policy: keep}}
stringData: {password: {{ .Values.password | default (randAlphaNum 12) | quote }}}
"""
    chart = charts.made(tmp_path / "web", {"settings.yaml": SETTINGS, "secret.yaml": secret})
    told = wrong(helm, {"source": str(chart)})
    assert "v1/Secret/keys" in told
    assert "ConfigMap" not in told
    found = Rendered(helm, {"source": str(chart), "values": {"password": SECRET}})
    assert "v1/Secret/keys: the chart says helm.sh/resource-policy: keep" in found.content.warnings()[0]


@pytest.mark.parametrize(
    ("template", "values", "words"),
    [
        ("{{ required \"give a size\" .Values.size_ }}", {}, "give a size"),
        ("{{ fail (printf \"no: %s\" .Values.auth.password) }}", {"auth": {"password": SECRET}}, "no: <hidden>"),
        ("a: [", {}, "YAML"),
        ("", {}, "holds no object"),
        ("kind: ConfigMap", {}, "apiVersion"),
        (SETTINGS.replace("settings", "x\n  namespace: lodestar-system"), {}, "platform's own namespace"),
    ],
    ids=["required", "fail", "no YAML", "nothing", "no object", "our namespace"],
)  # fmt: skip
def test_a_chart_that_cannot_be_rendered_says_why(
    helm: Helm, tmp_path: Path, template: str, values: Object, words: str
) -> None:
    chart = charts.made(tmp_path / "web", {"only.yaml": template})
    told = wrong(helm, {"source": str(chart), "values": values})
    assert "deliveries[shop]" in told
    assert words in told
    assert SECRET not in told


def test_what_is_missing_is_named(helm: Helm, tmp_path: Path) -> None:
    chart = charts.made(
        tmp_path / "web", {"settings.yaml": SETTINGS}, dependencies=[{"name": "db", "version": "1.0.0"}]
    )
    assert "missing in charts/ directory: db" in wrong(helm, {"source": str(chart)})
    assert "holds no Chart.yaml" in wrong(helm, {"source": str(tmp_path)})
    assert "cannot be read" in wrong(helm, {"source": str(tmp_path / "none")})
    (tmp_path / "none.tgz").write_text("no archive")
    assert "no archive of a chart" in wrong(helm, {"source": str(tmp_path / "none.tgz")})
    assert "relative path" in wrong(helm, {"source": "web"})
    (tmp_path / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n00")
    told = wrong(helm, {"source": str(chart), "values_files": [str(tmp_path / "vault.yml"), str(tmp_path / "no.yml")]})
    assert "encrypted by ansible-vault" in told
    assert "no.yml': cannot be read" in told
    (one,) = read_all([{"name": "shop", "chart": {"namespace": "shop", "source": str(chart)}}])
    assert one.chart is not None
    with pytest.raises(PlatformError, match=r"helm is not on the PATH of this task\. Install helm 3 or 4"):
        open_chart(one.name, one.chart, Context(environ={"PATH": str(tmp_path)}))


def test_a_chart_in_a_registry(helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = charts.packed(charts.made(tmp_path / "web", {"settings.yaml": SETTINGS}))
    store = Store(tokens=True, login=LOGIN)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": f"{CHART_KIND}.config.v1+json", **store.blob(b'{"name": "web", "version": "1.2.3"}')},
        "layers": [{"mediaType": f"{CHART_KIND}.chart.content.v1.tar+gzip", **store.blob(content)}],
    }
    digest = store.put("charts/web", "1.2.3", manifest)["digest"]
    authority = pki.Authority()
    certificate, key = authority.serving().write(tmp_path, "registry")
    ca, _key = authority.pair.write(tmp_path, "ca")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    modes: list[int] = []
    real = helm_program._sign_on

    def noted(*given: t.Any) -> str:
        path = real(*given)
        modes.extend(stat.S_IMODE(Path(one).stat().st_mode) for one in (path, Path(path).parent))
        return path

    monkeypatch.setattr(helm_program, "_sign_on", noted)
    with serving(store, tls) as address:
        way = {"ca_file": ca, "username": LOGIN[0], "password": LOGIN[1]}
        named = {"source": f"oci://{address}/charts/web", "version": "1.2.3", **way}
        found = Rendered(helm, named)
        assert found.settings("mode") == dict.fromkeys(CLUSTERS, "plain")
        calls = helm.calls()
        assert [call.split()[0] for call in calls] == ["pull", "template"]
        assert LOGIN[1] not in "".join(calls)
        assert modes == [0o600, 0o700]
        # It is gone with all that was fetched.
        folder = re.search(r"--destination (\S+)", calls[0])
        assert folder is not None
        assert not Path(folder[1]).exists()
        by_digest = {"source": f"oci://{address}/charts/web@{digest}", **way}
        assert Rendered(helm, by_digest).objects == found.objects
        assert "9.9.9: not found" in wrong(helm, {**named, "version": "9.9.9"})
        unsigned = wrong(helm, {**named, "password": f"{SECRET}-wrong"})
        assert "cannot be fetched" in unsigned
        assert SECRET not in unsigned
        before = len(store.seen)
        assert "certificate" in wrong(helm, {key: value for key, value in named.items() if key != "ca_file"})
        assert len(store.seen) == before


def test_a_chart_sees_each_cluster_and_a_second_run_writes_nothing(
    fleet: Deliveries, helm: Helm, tmp_path: Path
) -> None:
    seen = (
        SETTINGS
        + """\
  version: {{ .Capabilities.KubeVersion.Version }}
  apps: {{ .Capabilities.APIVersions.Has "apps/v1/Deployment" | quote }}
  roles: {{ .Capabilities.APIVersions.Has "rbac.authorization.k8s.io/v1" | quote }}
  others: {{ .Capabilities.APIVersions.Has "example.org/v1" | quote }}
"""
    )
    chart = charts.made(tmp_path / "web", {"settings.yaml": seen}, kubeVersion=">=1.30.0-0")
    item = fleet.item(*NAMES, objects=[space(fleet.space)])
    values = [{"clusters": {"selector": {"matchLabels": {"size": "small"}}}, "values": {"size": "small"}}]
    item["chart"] = {"source": str(chart), "namespace": fleet.space, "release_name": "web", "cluster_values": values}

    def deliver(**changes: t.Any) -> Object:
        params = {name: spec.get("default") for name, spec in OPERATION.arguments.items()}
        given = {"deliveries": [{**item, **changes}], "clusters": fleet.clusters, "hub_access": fleet.hub_access}
        return OPERATION.execute({**params, **given}, Context(environ=helm.environ), False)

    answer = deliver()
    assert not answer.get("failed"), answer["msg"]
    assert fleet.states(answer) == dict.fromkeys(NAMES, "delivered")
    for name in NAMES:
        there = fleet.there(name, name="web-settings")
        assert there is not None
        data = there["data"]
        assert (data["apps"], data["roles"], data["others"]) == ("true", "true", "false")
        assert re.fullmatch(r"v1\.[0-9]+\.[0-9]+.*", data["version"])
        assert data["size"] == ("small" if name == "east" else "none")
    # Three clusters of one version, of which one has values of its own.
    assert [call.split()[0] for call in helm.calls()] == ["template", "template"]
    marks = {name: server.audit.mark() for name, server in fleet.servers.items()}
    again = deliver()
    assert (again["changed"], fleet.states(again)) == (False, dict.fromkeys(NAMES, "unchanged"))
    for name, server in fleet.servers.items():
        asked = [one.uri.partition("?")[0] for one in server.audit.since(marks[name], LODESTAR)]
        assert {"/version", "/api", "/apis"} <= set(asked)
        assert len(asked) == 3 + 4
    marks = {name: server.audit.mark() for name, server in fleet.servers.items()}
    broken = {**item["chart"], "cluster_values": [{**values[0], "values": {"mode": {"a": "mapping"}}}]}
    (chart / "templates" / "check.yaml").write_text('{{ if kindIs "map" .Values.mode }}{{ fail "no mode" }}{{ end }}')
    refused = deliver(chart=broken)
    assert refused["failed"]
    assert "no mode" in refused["msg"]
    assert not [
        one for name, server in fleet.servers.items() for one in server.audit.since(marks[name], LODESTAR) if one.writes
    ]
