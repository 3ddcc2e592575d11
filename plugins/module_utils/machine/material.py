# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a machine needs for joining: short-lived, given by any healthy control plane. Private to the collection."""

from __future__ import annotations

import base64
import functools
import secrets
import time
import typing as t
from dataclasses import dataclass

from ..plan import Plan, Step
from . import claims, host, kubeadm, kubeapi, paths, predecessors, x509
from .etcd import Etcd, peer_url
from .request import Request, Standing, add

_SECRETS = "/api/v1/namespaces/kube-system/secrets"
_PROXY_DESCRIPTION = "Proxy for managing TTL for the kubeadm-certs secret"
_DESCRIPTION = "lodestar.platform: join of "
_GROUP = "system:bootstrappers:kubeadm:default-node-token"


@dataclass(frozen=True)
class Left:
    """A Secret that a join has left in the cluster.

    :param joiner: the machine that a bootstrap token was made for.
    :param certificates: it is the uploaded certificates, or the token that bounds their life.
    """

    name: str
    joiner: str | None = None
    certificates: bool = False


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    joiner: t.Mapping[str, t.Any],
    standing: Standing,
    images: t.Mapping[str, str],
) -> Plan:
    """Makes join material for one machine, after taking away what machines that are gone have left in the cluster.

    C(outputs.retires) names a living control plane that the machine replaces, which is to leave once it has joined.

    :param machine: the control plane that this runs on.
    :param joiner: the entry of the joining machine in the fleet.
    :raises Refused: etcd would lose its quorum, or the name belongs to a living machine.
    """
    request = Request(cluster, machine, joiner, images, standing)
    steps: list[Step] = []
    retires = None
    if kubeapi.holds_cluster(machine["node_ip"], kubeadm.bind_port(cluster)):
        retires = predecessors.plan(steps, request)
    add(
        steps,
        request,
        "token",
        "create",
        f"make a bootstrap token of {kubeadm.TOKEN_SECONDS // 60} minutes",
        _make_token,
    )
    if request.control_plane:
        add(steps, request, "kubeadm-certs", "create", "upload the control plane's certificates, encrypted", _upload)
    outputs = {"material": None, "retires": retires}
    return Plan(steps=steps, outputs=outputs, finish=lambda: {"material": _finish(request)})


def _make_token(request: Request) -> None:
    token = kubeadm.new_token()
    identifier, secret = token.split(".")
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + kubeadm.TOKEN_SECONDS))
    values = {
        "token-id": identifier,
        "token-secret": secret,
        "expiration": expires,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        "auth-extra-groups": _GROUP,
        "description": _described(request.joiner["name"]),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"bootstrap-token-{identifier}", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "stringData": values,
    }
    api = request.api()
    try:
        api.request("POST", f"{_SECRETS}?fieldManager={kubeapi.FIELD_MANAGER}", document)
        _wait_signed(api, identifier)
    finally:
        api.close()
    request.answer["token"] = token


def _wait_signed(api: kubeapi.Api, identifier: str) -> None:
    """A joining machine trusts cluster-info by the token's signature, which a controller adds a moment later."""

    def lacking() -> str | None:
        info = api.get("/api/v1/namespaces/kube-public/configmaps/cluster-info") or {}
        return None if f"jws-kubeconfig-{identifier}" in (info.get("data") or {}) else "not signed yet"

    host.wait_for("cluster-info is signed for the new token", lacking, 60, interval=0.3)


def _upload(request: Request) -> None:
    key = secrets.token_hex(32)
    documents = [
        {"apiVersion": kubeadm.API, "kind": "InitConfiguration", "certificateKey": key},
        kubeadm.cluster_configuration(request.cluster, request.images),
    ]
    documents[0]["localAPIEndpoint"] = kubeadm.local_endpoint(request.cluster, request.machine)
    documents[0]["nodeRegistration"] = {"name": request.machine["node_name"]}
    host.make_directory(host.RUN_DIRECTORY, 0o700)
    path = f"{host.RUN_DIRECTORY}/upload-{request.joiner['node_name']}.yaml"
    host.write(path, kubeadm.render(documents), 0o600)
    try:
        arguments = ["--upload-certs", "--skip-certificate-key-print", "--config", path]
        host.run([paths.KUBEADM, "init", "phase", "upload-certs", *arguments], timeout=120)
    finally:
        host.remove(path)
    request.answer["certificate_key"] = key


def _finish(request: Request) -> dict[str, t.Any]:
    ca = host.read_bytes(paths.CA) or b""
    answer = {
        "token": request.answer["token"],
        "ca_hash": "sha256:" + x509.parse_pem(ca).key_sha256,
        "uid": None,
    }
    api = request.api()
    try:
        namespace = api.get("/api/v1/namespaces/kube-system")
        answer["uid"] = namespace["metadata"]["uid"] if namespace else None
    finally:
        api.close()
    if request.control_plane:
        peer = peer_url(request.joiner["node_ip"])
        members = Etcd(request.machine["node_ip"]).members(health=False)
        answer["certificate_key"] = request.answer["certificate_key"]
        answer["encryption"] = host.read(paths.ENCRYPTION)
        answer["member"] = any(peer in member.peer_urls for member in members)
    return answer


def removal(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    joiner: t.Mapping[str, t.Any] | None,
    owner: t.Mapping[str, t.Any],
    supersedes: str | None = None,
) -> Plan:
    """Takes back what joins have left in the cluster, what is needed by joins that are under way excepted.

    :param joiner: the machine that has joined, or would have but for check mode; its material goes in any case. Without
        one, that of all machines which this run has joined goes.
    :param supersedes: a run that the controller knows to be dead; its joins are not under way.
    :raises PlatformError: the API of this control plane does not answer.
    """
    request = Request(cluster, machine, joiner or {"role": "worker"})
    name = None if joiner is None else str(joiner["name"])
    steps = _plan_taking_back(request, owner) if joiner is not None else []
    if kubeapi.holds_cluster(machine["node_ip"], kubeadm.bind_port(cluster)):
        steps += _plan_leftovers(request, name, owner, supersedes)

    def finish() -> dict[str, t.Any]:
        claims.release(owner, name, supersedes)
        return {}

    return Plan(steps=steps, outputs={"material": None}, finish=finish)


def _plan_taking_back(request: Request, owner: t.Mapping[str, t.Any]) -> list[Step]:
    """The joiner's own material: known without a look, so that check mode tells of it too."""
    steps: list[Step] = []
    name, before = request.joiner["name"], "(secret)"

    def token(asked: Request) -> None:
        _take_back(asked, owner, lambda item: item.joiner == name)

    def certificates(asked: Request) -> None:
        _take_back(asked, owner, lambda item: item.certificates)

    add(steps, request, "token", "delete", "take the bootstrap token back", token, before)
    if request.control_plane:
        add(steps, request, "kubeadm-certs", "delete", "take the uploaded certificates back", certificates, before)
    return steps


def _take_back(request: Request, owner: t.Mapping[str, t.Any], mine: t.Callable[[Left], bool]) -> None:
    for item in _left(request, claims.others(claims.load(), owner)):
        if mine(item):
            _delete_secret(request, item.name)


def _plan_leftovers(
    request: Request, joiner: str | None, owner: t.Mapping[str, t.Any], supersedes: str | None
) -> list[Step]:
    """What no join that is under way needs, without the joiner's own material."""
    noted = claims.load()
    # Every machine that this run joins takes its own back, so that no plan depends on which comes first.
    if joiner is None:
        elsewhere = claims.others(noted, owner, supersedes)
    else:
        elsewhere = {name: claim for name, claim in noted.items() if name != joiner}
    left = [
        item
        for item in _left(request, elsewhere)
        if not (item.joiner == joiner if item.joiner else item.certificates and request.control_plane)
    ]
    return [
        Step(
            f"v1/Secret/kube-system/{'kubeadm-certs' if item.certificates else 'bootstrap-token'}/{index}",
            "delete",
            request.cluster["name"],
            "remove uploaded certificates" if item.certificates else "remove a bootstrap token",
            before="(secret)",
            perform=functools.partial(_delete_secret, request, item.name),
        )
        for index, item in enumerate(left)
    ]


def _left(request: Request, elsewhere: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[Left]:
    api = request.api()
    try:
        selector = "fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken"
        listed = api.request("GET", f"{_SECRETS}?{selector}").get("items", [])
        found = removable({item["metadata"]["name"]: _description(item) for item in listed}, elsewhere)
        if not _uploading(elsewhere) and api.get(f"{_SECRETS}/kubeadm-certs") is not None:
            found.append(Left("kubeadm-certs", certificates=True))
        return found
    finally:
        api.close()


def _delete_secret(request: Request, name: str) -> None:
    api = request.api()
    try:
        api.delete(f"{_SECRETS}/{name}")
    finally:
        api.close()


def removable(tokens: t.Mapping[str, str], elsewhere: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[Left]:
    """The tokens that may go: ours, but those of machines that are joining elsewhere. Pure.

    :param tokens: description by name of the Secret.
    :param elsewhere: claims of other joins by machine name.
    """
    found = []
    for name, description in sorted(tokens.items()):
        joiner = description.removeprefix(_DESCRIPTION)
        if description == _PROXY_DESCRIPTION and not _uploading(elsewhere):
            found.append(Left(name, certificates=True))
        elif joiner != description and joiner not in elsewhere:
            found.append(Left(name, joiner=joiner))
    return found


def _uploading(elsewhere: t.Mapping[str, t.Mapping[str, t.Any]]) -> bool:
    return any(claim["role"] == "control_plane" for claim in elsewhere.values())


def _described(machine: str) -> str:
    return f"{_DESCRIPTION}{machine}"


def _description(secret: t.Mapping[str, t.Any]) -> str:
    encoded = (secret.get("data") or {}).get("description", "")
    return base64.b64decode(encoded).decode("utf-8", "replace")
