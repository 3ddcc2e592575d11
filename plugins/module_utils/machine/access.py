# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access to a created cluster for the platform: minted on a control plane, kept there, and it expires.

Private to the collection.
"""

from __future__ import annotations

import base64
import calendar
import contextlib
import fcntl
import json
import os
import time
import typing as t
from dataclasses import dataclass

from ..errors import PlatformError
from ..plan import Plan, Step
from . import before, host, kubeadm, kubeapi, lasting, objects, paths

NAMESPACE = "lodestar-system"
ACCOUNT = "lodestar"
_RBAC_API = "rbac.authorization.k8s.io/v1"
#: What the names of cluster-wide rights of our identity begin with.
_OURS = "lodestar:"
#: The parent of the set of objects that an attachment makes.
_ATTACHED = {"name": "applyset-access", "namespace": NAMESPACE}
#: After the new rights are there, and the token.
_SURPLUS_WAVE = 3


@dataclass
class _Minting:
    """Token and what it is for."""

    cluster: t.Mapping[str, t.Any]
    machine: t.Mapping[str, t.Any]
    lifetime: int

    def api(self) -> kubeapi.Api:
        """The local API server as administrator.

        :raises PlatformError: this machine holds no admin.conf.
        """
        return kubeapi.require_local_admin(self.machine["node_ip"], kubeadm.bind_port(self.cluster))


def base_objects() -> list[dict[str, t.Any]]:
    """The namespace and the ServiceAccount that the token is for."""
    account = {"name": ACCOUNT, "namespace": NAMESPACE}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account, "automountServiceAccountToken": False},
    ]


def fresh(kept: t.Mapping[str, t.Any], lifetime: int, now: float) -> bool:
    """Whether more than half of the declared lifetime is left. Pure.

    :param kept: an access; C(expires) is the token's last moment.
    :param now: seconds since the epoch.
    """
    try:
        end = calendar.timegm(time.strptime(str(kept["expires"]), "%Y-%m-%dT%H:%M:%SZ"))
    except (KeyError, ValueError):
        return False
    granted = int(kept.get("lifetime") or lifetime)
    return end - now > min(granted, lifetime) / 2 and granted <= lifetime + 1


def plan(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    granting: t.Sequence[t.Mapping[str, t.Any]],
    lifetime: int,
    founded: bool = False,
    kept_only: bool = False,
) -> Plan:
    """Ensures the ServiceAccount, the objects that give it its rights (C(granting)), and a token that is young enough.

    C(outputs.access) is C(None) where there is no cluster on this machine, or its API does not answer.
    C(outputs.lacking) says that the cluster is here, and access to it has to be made or mended.

    :param founded: the cluster is there by now, or would be but for check mode. Where the machine holds none, all that
        a new cluster lacks is planned.
    :param kept_only: plan nothing, only look for an access that is kept.
    """
    minting = _Minting(cluster, machine, lifetime)
    wanted = list({objects.path_of(item): item for item in [*base_objects(), *granting]}.values())
    api = kubeapi.local_admin(machine["node_ip"], kubeadm.bind_port(cluster))
    if api is None and (kept_only or not founded):
        return Plan(outputs={"access": None, "lacking": founded})
    if api is None:
        return _making(minting, [_step(minting, item) for item in wanted], kept=None)
    try:
        if not api.live():
            told = f"the API server of {machine['name']} does not answer"
            return Plan(outputs={"access": None, "lacking": False}, warnings=[told])
        if _endpoint_moved(cluster, machine) or _foreign(founded):
            return Plan(outputs={"access": None, "lacking": False})
        steps = _missing(minting, api, wanted) + _surplus(minting, api, wanted)
        kept = _kept()
        usable = not any(step.id.startswith("v1/ServiceAccount") for step in steps) and _usable(minting, kept)
    finally:
        api.close()
    if usable and not steps:
        return Plan(outputs={"access": _public(kept), "lacking": False})
    if kept_only:
        return Plan(outputs={"access": None, "lacking": True})
    return Plan(steps, {"access": None, "lacking": True}, _answer) if usable else _making(minting, steps, kept)


def keeping(
    cluster: t.Mapping[str, t.Any],
    machine: t.Mapping[str, t.Any],
    given: t.Mapping[str, t.Any],
    founded: bool = False,
) -> Plan:
    """Keeps an access that another control plane has made: should that one be lost, nothing has to be made anew.

    :param given: the access; empty in check mode, where it is yet to be made.
    :param founded: the machine is a control plane by now, or would be but for check mode.
    """
    outputs = {"access": None, "lacking": False}
    if not (founded or kubeapi.holds_cluster(machine["node_ip"], kubeadm.bind_port(cluster))):
        return Plan(outputs=outputs)
    kept = _kept()
    if given and all(kept.get(key) == value for key, value in given.items()):
        return Plan(outputs=outputs)
    step = Step(
        "access:kept",
        "update" if kept else "create",
        machine["name"],
        f"keep the access to {cluster['name']} on this control plane, too",
        before={"expires": kept.get("expires")} if kept else None,
        after="(secret)",
        perform=lambda: _keep_here(cluster, machine, given),
    )
    return Plan([step], outputs)


def _keep_here(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any], record: t.Mapping[str, t.Any]) -> None:
    if not kubeapi.holds_cluster(machine["node_ip"], kubeadm.bind_port(cluster)):
        raise PlatformError(f"{machine['name']} is no control plane of {cluster['name']} and keeps no access to it")
    _keep(record)


def _keep(record: t.Mapping[str, t.Any]) -> None:
    if not record:
        raise PlatformError("there is no access to keep")
    host.make_directory(host.STATE_DIRECTORY, 0o700)
    host.write(paths.ACCESS_RECORD, json.dumps(record, sort_keys=True) + "\n", 0o600)


def _answer() -> dict[str, t.Any]:
    return {"access": _public(_kept()), "lacking": False}


def _making(minting: _Minting, steps: list[Step], kept: t.Mapping[str, t.Any] | None) -> Plan:
    """The steps, and then the one that makes a token."""
    token = Step(
        "token",
        "create",
        minting.cluster["name"],
        f"make a token of {minting.lifetime} seconds for {NAMESPACE}/{ACCOUNT}",
        before={"expires": kept.get("expires")} if kept else None,
        after="(secret)",
        perform=lambda: _mint_once(minting, kept or {}),
        wave=2,
    )
    return Plan([*steps, token], {"access": None, "lacking": True}, _answer)


def _step(minting: _Minting, document: t.Mapping[str, t.Any]) -> Step:
    wave = 0 if document["kind"] == "Namespace" else 1
    return objects.step(document, minting.cluster["name"], minting.api, wave)


def _missing(minting: _Minting, api: kubeapi.Api, wanted: t.Sequence[objects.Object]) -> list[Step]:
    """What is not as wanted: applying an object also takes from it what an attachment wrote there under our name."""
    found = [(item, api.get(objects.path_of(item))) for item in wanted]
    return [_step(minting, item) for item, seen in found if not objects.covers(item, seen) or objects.in_set(seen)]


def _surplus(minting: _Minting, api: kubeapi.Api, wanted: t.Sequence[objects.Object]) -> list[Step]:
    """What another tier, or an attachment before the promotion, gave to our identity and this access does not use."""
    if not any(item["kind"] == "ClusterRoleBinding" for item in wanted):
        return []
    names = {item["metadata"]["name"] for item in wanted if item["kind"] == "ClusterRoleBinding"}
    listed = api.request("GET", f"/{objects.RBAC}/clusterrolebindings").get("items") or []
    doomed = [name for name in map(_given_by_us, listed) if name and name not in names]
    # The role goes first: a run that was killed in between finds it again by its binding.
    found = [
        {"apiVersion": _RBAC_API, "kind": kind, "metadata": {"name": name}}
        for name in doomed
        for kind in ("ClusterRole", "ClusterRoleBinding")
    ]
    found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": dict(_ATTACHED)})
    return [_removal(minting, item) for item in found if api.get(objects.path_of(item)) is not None]


def _given_by_us(binding: objects.Object) -> str:
    """The name of a binding of ours that gives our identity, and nobody else, the role of its own name; else empty."""
    name, role = str(binding["metadata"]["name"]), binding.get("roleRef") or {}
    subjects = [(item.get("kind"), item.get("namespace"), item.get("name")) for item in binding.get("subjects") or ()]
    ours = name.startswith(_OURS) and (role.get("kind"), role.get("name")) == ("ClusterRole", name)
    return name if ours and subjects == [("ServiceAccount", NAMESPACE, ACCOUNT)] else ""


def _removal(minting: _Minting, document: objects.Object) -> Step:
    return objects.removal(document, minting.cluster["name"], minting.api, _SURPLUS_WAVE)


def _endpoint_moved(cluster: t.Mapping[str, t.Any], machine: t.Mapping[str, t.Any]) -> bool:
    """Whether the cluster was founded with another endpoint: the run will refuse that, and nothing is made for it."""
    seen = {key: value for key, value in lasting.seen().items() if key == "endpoint"}
    return bool(lasting.problems(cluster, machine["name"], seen))


def _foreign(founded: bool) -> bool:
    """Whether others have made the cluster: the run will refuse that, and nothing is made for it."""
    return before.wanted() and not founded


def is_kept() -> bool:
    """Whether this machine keeps an access, fresh or not."""
    return bool(_kept())


def _kept() -> dict[str, t.Any]:
    try:
        kept = json.loads(host.read(paths.ACCESS_RECORD) or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _public(kept: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: kept[key] for key in ("server", "ca_data", "token", "expires", "uid")}


def _usable(minting: _Minting, kept: t.Mapping[str, t.Any]) -> bool:
    """The kept token is young enough, is for this endpoint, and the cluster still accepts it."""
    if not fresh(kept, minting.lifetime, time.time()) or kept.get("server") != _server(minting.cluster):
        return False
    context = kubeapi.client_context(base64.b64decode(str(kept["ca_data"])))
    api = kubeapi.Api(minting.machine["node_ip"], kubeadm.bind_port(minting.cluster), context)
    try:
        # Any answer but 401 means that the token is known; what it may do is the business of its roles.
        return api.raw("GET", "/api/v1/namespaces/kube-system", token=str(kept["token"]))[0] != 401
    except kubeapi.ApiError:
        return False
    finally:
        api.close()


def _server(cluster: t.Mapping[str, t.Any]) -> str:
    return "https://" + kubeadm.endpoint(cluster)


def _mint_once(minting: _Minting, seen: t.Mapping[str, t.Any]) -> None:
    """Makes a token, unless another run has made one since C(seen) was read: two runs at once keep the same."""
    with _alone():
        kept = _kept()
        if kept == seen or not _usable(minting, kept):
            _mint(minting)


@contextlib.contextmanager
def _alone() -> t.Iterator[None]:
    """One run after the other. The machine's own lock is shared by all that only write to the API."""
    host.make_directory(host.STATE_DIRECTORY, 0o700)
    descriptor = os.open(host.STATE_DIRECTORY, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _mint(minting: _Minting) -> None:
    api = minting.api()
    try:
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": minting.lifetime},
        }
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{ACCOUNT}/token"
        answer = api.request("POST", path, request)["status"]
        namespace = api.get("/api/v1/namespaces/kube-system") or {}
    finally:
        api.close()
    end = calendar.timegm(time.strptime(answer["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ"))
    record = {
        "server": _server(minting.cluster),
        "ca_data": base64.b64encode(host.read_bytes(paths.CA) or b"").decode("ascii"),
        "token": answer["token"],
        "expires": answer["expirationTimestamp"],
        "lifetime": max(1, round(end - time.time())),
        "uid": (namespace.get("metadata") or {}).get("uid"),
    }
    _keep(record)
