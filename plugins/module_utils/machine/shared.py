# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all machines of a cluster share and one control plane holds to the declaration: kubeadm's ConfigMaps.

Machines that join later take their settings from them, so they are written before anybody joins. Private to the
collection.
"""

from __future__ import annotations

import hashlib
import typing as t

from ..errors import PlatformError
from . import block_yaml, component_config, configmaps, host, kubeadm, node
from .kubeapi import Api

_MERGE = "application/merge-patch+json"
_DAEMON_SET = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy"
#: On the ConfigMap of kube-proxy while its pods still run with what was in it before.
_DUE = "lodestar.platform/restart-due"
_DIGEST = "lodestar.platform/configuration"


def add(steps: node.Steps, member: node.Member, seen: configmaps.Maps, connect: t.Callable[[], Api]) -> None:
    """Adds the steps that bring the ConfigMaps up to date, and kube-proxy's restart where its own changes.

    :param connect: opens the API as administrator.
    """
    cluster = member.cluster
    _add_kubeadm(steps, member, seen)
    found = _configuration(seen, "kubelet-config")
    desired = component_config.kubelet_of_machine(cluster, found)
    before, after = component_config.kubelet_difference(desired, found)
    if "kubelet-config" in seen and (before or after):
        steps.add(
            "configmap:kubelet-config",
            "update",
            "write the kubelets' configuration, which machines that join later take, to the cluster",
            lambda: _patch(
                connect, configmaps.PATH + "kubelet-config", {"data": {"kubelet": component_config.text_of(desired)}}
            ),
            before=before,
            after=after,
        )
    if "kube-proxy" in seen:
        _add_kube_proxy(steps, cluster, seen, connect)


def _configuration(seen: configmaps.Maps, name: str) -> dict[str, t.Any] | None:
    return block_yaml.mapping((seen.get(name) or {"data": {}})["data"].get(configmaps.KEYS[name]))


def _add_kubeadm(steps: node.Steps, member: node.Member, seen: configmaps.Maps) -> None:
    cluster = member.cluster
    found = _configuration(seen, "kubeadm-config")
    if found is None or found.get("kubernetesVersion") != f"v{cluster['version']}":
        return
    before, after = component_config.plain_difference(
        parts_of(kubeadm.cluster_configuration(cluster, member.images)), parts_of(found)
    )
    if before or after:
        steps.add(
            "configmap:kubeadm-config",
            "update",
            "write the control planes' settings, which those that join later take, to the cluster",
            lambda: member.run_phase(["upload-config", "kubeadm"]),
            before=before,
            after=after,
        )


def parts_of(configuration: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The parts of a ClusterConfiguration that control planes which join are made of, in a form to compare. Pure."""
    answer: dict[str, t.Any] = {}
    for name in ("apiServer", "controllerManager", "scheduler"):
        section = configuration.get(name) or {}
        given: dict[str, list[str]] = {}
        for item in section.get("extraArgs") or ():
            given.setdefault(str(item["name"]), []).append(str(item["value"]))
        volumes = {item["name"]: dict(item) for item in section.get("extraVolumes") or ()}
        answer[name] = {"extraArgs": given, "extraVolumes": volumes, "certSANs": sorted(section.get("certSANs") or ())}
    return answer


def _add_kube_proxy(
    steps: node.Steps, cluster: t.Mapping[str, t.Any], seen: configmaps.Maps, connect: t.Callable[[], Api]
) -> None:
    found = _configuration(seen, "kube-proxy")
    desired = component_config.kube_proxy(cluster)
    before, after = component_config.plain_difference(desired, found)
    text = component_config.text_of(desired)
    old = seen["kube-proxy"]["data"].get("config.conf")
    if before or after:
        steps.add(
            "configmap:kube-proxy",
            "update",
            "write the configuration of kube-proxy",
            lambda: _patch(connect, configmaps.PATH + "kube-proxy", _proxy_map(text, "true")),
            before=before,
            after=after,
        )
    if before or after or _DUE in seen["kube-proxy"]["annotations"]:
        steps.add(
            "daemonset:kube-proxy",
            "restart",
            "restart kube-proxy, one node after the other",
            lambda: _restart_proxies(connect, text, old),
        )


def _proxy_map(text: str | None, due: str | None) -> dict[str, t.Any]:
    data = {} if text is None else {"data": {"config.conf": text}}
    return {"metadata": {"annotations": {_DUE: due}}, **data}


def _restart_proxies(connect: t.Callable[[], Api], text: str, old: str | None) -> None:
    api = connect()
    try:
        unavailable = _status(api).get("numberUnavailable", 0)
        api.request("PATCH", _DAEMON_SET, _template(text), _MERGE)
        try:
            _wait_rolled_out(api, unavailable)
        except PlatformError as exc:
            if old is None or old == text:
                raise
            api.request("PATCH", configmaps.PATH + "kube-proxy", _proxy_map(old, "true"), _MERGE)
            api.request("PATCH", _DAEMON_SET, _template(old), _MERGE)
            raise PlatformError(f"{exc}. The configuration that was there before is back") from exc
        api.request("PATCH", configmaps.PATH + "kube-proxy", _proxy_map(None, None), _MERGE)
    finally:
        api.close()


def _template(text: str) -> dict[str, t.Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return {"spec": {"template": {"metadata": {"annotations": {_DIGEST: digest}}}}}


def _status(api: Api) -> dict[str, t.Any]:
    return dict((api.get(_DAEMON_SET) or {}).get("status") or {})


def not_rolled_out(item: t.Mapping[str, t.Any], nodes: int, unavailable: int) -> str | None:
    """Why a DaemonSet has not brought its new pods to every node, or ``None`` when it has. Pure.

    :param nodes: for how many there was to be a pod when it began. Those that leave meanwhile are not waited for.
    :param unavailable: how many of them had none that was available. It is they who are taken to have left.
    """
    status = item.get("status") or {}
    if int(status.get("observedGeneration", 0)) < int((item.get("metadata") or {}).get("generation", 0)):
        return "the DaemonSet's controller has not seen it"
    now = int(status.get("desiredNumberScheduled", nodes))
    enough = now - max(0, unavailable - max(0, nodes - now))
    done = min(int(status.get("updatedNumberScheduled", 0)), int(status.get("numberAvailable", 0)))
    return None if done >= enough else f"{done} of {enough} pods are new and available"


def _wait_rolled_out(api: Api, unavailable: int) -> None:
    """Waits until every node has the new pod, less those that had none available before."""
    nodes = int(_status(api).get("desiredNumberScheduled", 1))

    def lacking() -> str | None:
        return not_rolled_out(api.get(_DAEMON_SET) or {}, nodes, unavailable)

    host.wait_for("kube-proxy runs with its new configuration", lacking, 60 + 30 * nodes, interval=1)


def _patch(connect: t.Callable[[], Api], path: str, document: t.Mapping[str, t.Any]) -> None:
    api = connect()
    try:
        api.request("PATCH", path, dict(document), _MERGE)
    finally:
        api.close()
