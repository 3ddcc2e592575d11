# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""People sign on with tokens of a real issuer, and the same groups mean the same rights everywhere."""

from __future__ import annotations

import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.bundle import manifest
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import ApiError, Forbidden
from ansible_collections.lodestar.platform.plugins.module_utils.machine import (
    authentication,
    authentication_file,
    kubeapi,
    paths,
    running,
)
from ansible_collections.lodestar.platform.plugins.plugin_utils import judged

from ..harness.apiserver import ApiServer
from ..harness.issuer import Issuer
from ..harness.programs import bundle
from .conftest import document, give

Object = dict[str, t.Any]


def ask(api: ApiServer, token: str, namespace: str) -> int:
    """The status of a list of ConfigMaps."""
    with Client(Connection(api.url, ca_data=api.runner.ca_data, token=token)) as client:
        try:
            client.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
        except ApiError as exc:
            return int(exc.status or 0)
    return 200


def myself(api: ApiServer, token: str) -> Object:
    """Who the server takes the bearer for."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    with Client(Connection(api.url, ca_data=api.runner.ca_data, token=token)) as client:
        answer = client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
    return t.cast(Object, answer["status"]["userInfo"])


def settled(api: ApiServer, token: str) -> None:
    """A server asks an issuer for its keys a moment after it has begun."""
    until = time.monotonic() + 30
    while ask(api, token, "default") == 401:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_same_group_has_the_same_rights_everywhere(
    cluster: ApiServer, twin: ApiServer, issuer: Issuer, prefix: str
) -> None:
    tenant = {
        "name": prefix,
        "namespaces": [prefix],
        "members": [{"kind": "Group", "name": f"{prefix}-devs", "role": "developer"}],
    }
    developer, stranger = issuer.token("anna", f"{prefix}-devs"), issuer.token("bert", "others")
    for api in (cluster, twin):
        assert give(api, tenant)
        settled(api, developer)
        assert (ask(api, developer, prefix), ask(api, developer, "default")) == (200, 403)
        assert (ask(api, stranger, prefix), ask(api, stranger, "default")) == (403, 403)
        told = myself(api, developer)
        assert (told["username"], told["groups"]) == ("anna", [f"{prefix}-devs", "system:authenticated"])
        with Client(Connection(api.url, ca_data=api.runner.ca_data, token=developer)) as client:
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": prefix}}
            assert client.create(made)["metadata"]["name"] == "mine"
            with pytest.raises(Forbidden):
                client.list("rbac.authorization.k8s.io/v1", "ClusterRole")


@pytest.fixture
def forger(tmp_path: Path) -> t.Iterator[Issuer]:
    """Somebody else's issuer, which the clusters do not know."""
    with Issuer(tmp_path, "forger") as made:
        yield made


def test_whoever_is_not_signed_on_by_the_issuer_is_nobody(cluster: ApiServer, issuer: Issuer, forger: Issuer) -> None:
    settled(cluster, issuer.token("anna"))
    now = int(time.time())
    wrong = {
        "expired": issuer.token("anna", exp=now - 60, iat=now - 600),
        "of another audience": issuer.token("anna", aud="somebody-else"),
        "of an unknown issuer": forger.token("anna"),
        "signed by somebody else": forger.token("anna", iss=issuer.url),
        "refused by a rule": issuer.token("anna", hd="example.com"),
        "altered": issuer.token("anna").replace(".", ".e", 1),
    }
    assert {name: ask(cluster, token, "default") for name, token in wrong.items()} == dict.fromkeys(wrong, 401)
    assert ask(cluster, issuer.token("anna", hd="example.org"), "default") == 403


def test_no_token_makes_somebody_a_part_of_kubernetes(cluster: ApiServer, issuer: Issuer) -> None:
    """Whatever the issuer says, and although it has no prefix."""
    settled(cluster, issuer.token("anna"))
    for token in (
        issuer.token("anna", "system:masters"),
        issuer.token("anna", "devs", "system:nodes"),
        issuer.token("system:kube-controller-manager"),
        issuer.token("system:serviceaccount:lodestar-system:lodestar"),
        issuer.token("lodestar:kube-vip"),
    ):
        assert ask(cluster, token, "default") == 401


def test_without_a_name_only_what_machines_need_is_answered(cluster: ApiServer, twin: ApiServer) -> None:
    info = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
    asked = ("/livez", "/readyz", "/healthz", info, "/version", "/api")
    answers: dict[str, list[int]] = {}
    for name, api in (("cluster", cluster), ("twin", twin)):
        context = kubeapi.client_context(api.runner.ca_data.encode())
        client = kubeapi.Api("127.0.0.1", api.port, context)
        answers[name] = [client.raw("GET", path)[0] for path in asked]
        client.close()
    # Who joins may read cluster-info by a binding that kubeadm makes: here it is the name that counts.
    assert answers == {"cluster": [200, 200, 200, 403, 200, 403], "twin": [200, 200, 200, 403, 401, 401]}


# -- a running API server and its file


@pytest.fixture
def plane(cluster: ApiServer, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """The cluster as a control plane whose file is held to a declaration, but for the files of a machine."""
    settings = cluster.folder / "settings"
    monkeypatch.setattr(paths, "SETTINGS", str(settings))
    monkeypatch.setattr(paths, "AUTHENTICATION", str(settings / "authentication.yaml"))
    monkeypatch.setattr(running, "last_words", lambda name: f"what {name} said")
    pair = cluster.authority.client("kubernetes-admin", "system:masters")
    context = kubeapi.client_context(cluster.runner.ca_data.encode(), pair.certificate.encode(), pair.key.encode())
    return types.SimpleNamespace(
        machine={"name": "e1", "node_ip": "127.0.0.1"},
        cluster=_reached(cluster),
        found=types.SimpleNamespace(local=types.SimpleNamespace(healthy=True)),
        api=lambda: kubeapi.Api("127.0.0.1", cluster.port, context),
    )


def bring(text: str, plane: t.Any) -> None:
    """Brings the file as the step of a site run does where the API server runs with it."""
    current = Path(paths.AUTHENTICATION).read_text()
    authentication_file._bring(plane, text, current, reads=True, restarts=False)


def test_a_running_api_server_takes_a_change_without_a_restart(
    cluster: ApiServer, issuer: Issuer, second_issuer: Issuer, plane: t.Any
) -> None:
    both = document({"jwt": [issuer.declared(), second_issuer.declared()]})
    assert not authentication.needs_restart(Path(paths.AUTHENTICATION).read_text(), both)
    assert ask(cluster, second_issuer.token("eve"), "default") == 401
    bring(both, plane)
    assert Path(paths.AUTHENTICATION).stat().st_mode & 0o777 == 0o600
    # Both are good at once: nobody waits for anything.
    answers = [ask(cluster, made.token("eve", "others"), "default") for made in (second_issuer, issuer)]
    assert answers == [403, 403]


def test_a_file_that_is_refused_is_put_back_and_locks_nobody_out(
    cluster: ApiServer, issuer: Issuer, plane: t.Any
) -> None:
    before = Path(paths.AUTHENTICATION).read_text()
    rule = {"expression": "claims.nothing ==", "message": "m"}
    with pytest.raises(PlatformError, match=r"refuses it.*The file that was there before is back"):
        bring(document({"jwt": [issuer.declared(claimValidationRules=[rule])]}), plane)
    assert Path(paths.AUTHENTICATION).read_text() == before
    assert ask(cluster, issuer.token("anna"), "default") == 403
    with Client(cluster.admin) as client:
        assert client.list("v1", "Namespace")
    certificate = plane.api()
    assert certificate.raw("GET", "/api/v1/secrets")[0] == 200
    certificate.close()


def test_who_may_ask_without_a_name_takes_a_restart(cluster: ApiServer, twin: ApiServer, issuer: Issuer) -> None:
    """Which a run that was killed before it is seen to lack."""
    with_names = document({"jwt": [issuer.declared()]})
    without = document({"jwt": [issuer.declared()], "anonymous": {"enabled": True, "conditions": []}})
    assert authentication.needs_restart(with_names, without)
    assert authentication.needs_restart(without, with_names)
    assert not authentication.needs_restart(without, without)
    stale = {
        name: authentication_file._is_stale(
            types.SimpleNamespace(machine={"node_ip": "127.0.0.1"}, cluster=_reached(api)),
            text,
        )
        for name, api, text in (
            ("as it is", cluster, with_names),
            ("not restarted", cluster, without),
            ("as it is, without", twin, without),
            ("not restarted, without", twin, with_names),
        )
    }
    assert stale == {name: "not" in name for name in stale}


def _reached(api: ApiServer) -> Object:
    return {"endpoint": {"provider": "kube_vip", "port": api.port}}


# -- before any change


REFUSED: dict[str, Object] = {
    "Syntax error": {"claimValidationRules": [{"expression": "claims.hd ==", "message": "m"}]},
    "undeclared reference": {"userValidationRules": [{"expression": "nothing(user)"}]},
    "must evaluate to bool": {"userValidationRules": [{"expression": "user.username"}]},
    "claims.email_verified must be used": {"claimMappings": {"username": {"expression": "claims.email"}}},
}


def test_the_bundles_api_server_judges_before_any_change(issuer: Issuer) -> None:
    """Every expression is compiled, and all that is wrong is told at once."""
    loaded = manifest.load(bundle())
    east: Object = {"name": "east", "version": loaded.kubernetes[-1]}
    assert judged.refused_authentication(loaded, east) == ""
    good = {**east, "authentication": {"jwt": [issuer.declared()]}}
    assert judged.refused_authentication(loaded, good) == ""
    wrong = []
    for number, more in enumerate(REFUSED.values()):
        entry = issuer.declared(**more)
        wrong.append({**entry, "issuer": {**entry["issuer"], "url": f"https://issuer-{number}.example.org"}})
    bad = {**east, "authentication": {"jwt": wrong}}
    said = judged.refused_authentication(loaded, bad)
    assert [words for words in REFUSED if words not in said] == []
    (problem,) = authentication.problems(bad, ["", said])
    assert problem.key == "east: cluster_authentication"
    assert all(f"jwt[{number}]" in problem.reason for number in range(len(wrong)))
