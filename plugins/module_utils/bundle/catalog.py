# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of parts: what a bundle is made of, one row a part. Pure data. Private to the collection.

To add a part, add one row to :func:`shared_units`; to raise a version, change it in :data:`VERSIONS`.
"""

from __future__ import annotations

import typing as t

from ..errors import PlatformError
from . import programs
from .manifest import Manifest
from .recipes import (
    Archive,
    GoBuild,
    Image,
    Layer,
    ModuleFiles,
    Output,
    Published,
    RegistryImages,
    ReleaseFiles,
    SystemFile,
    SystemTools,
    Unit,
)

VERSIONS = {
    "cluster-inventory-api": "v0.1.2",
    "cni-plugins": "v1.9.1",
    "compress": "v1.20.0",
    "containerd": "v2.4.2",
    "coredns": "v1.14.6",
    "crictl": "v1.36.0",
    "etcd": "v3.6.16",
    "kube-router": "v2.2.1",
    "kube-vip": "v0.9.1",
    "kyverno": "v1.19.1",
    "metrics-server": "v0.9.0",
    "ocm": "v1.2.1",
    "ocm-api": "v1.3.0",
    "runc": "v1.5.2",
}

#: What kubeadm asks for (cmd/kubeadm/app/constants, PauseVersion): 1.35 the first, 1.36 and 1.37 the second.
PAUSE_TAGS = ("3.10.1", "3.10.2")
#: kubeadm wants etcd tags of the form version-revision.
ETCD_TAG = VERSIONS["etcd"].removeprefix("v") + "-0"
#: Where the makers of images publish them, below their registry; the tags are those of the bundle.
REPOSITORIES = {
    **{name: name for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")},
    "coredns": "coredns/coredns",
    "etcd": "etcd",
    "kube-router": "cloudnativelabs/kube-router",
    "kube-vip": "kube-vip/kube-vip",
    "metrics-server": "metrics-server/metrics-server",
    "pause": "pause",
    "placement": "open-cluster-management/placement",
}
_COMPRESSOR, _TOOLS = "zstd", "network-tools"

KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
)
#: The plugins of the CNI project that clusters use, by their folder there.
_CNI_PLUGINS = {
    "main": ("bridge", "host-device", "ipvlan", "loopback", "macvlan", "ptp"),
    "ipam": ("host-local", "static"),
    "meta": ("bandwidth", "firewall", "portmap", "tuning"),
}


def units(kubernetes_versions: t.Sequence[str]) -> list[Unit]:
    """Every unit of a bundle for these versions, prerequisites first."""
    table = shared_units()
    for version in kubernetes_versions:
        table += kubernetes_units(version)
    return table


def needed(kubernetes_version: str) -> list[Output]:
    """The artifacts that a bundle must hold for a cluster of that version."""
    return [output for unit in units([kubernetes_version]) for output in unit.outputs]


def check_complete(manifest: Manifest, kubernetes_version: str) -> None:
    """Checks that a bundle holds all that a cluster of that version needs, by name; see also :meth:`Manifest.verify`.

    :raises InvalidInput: when the bundle was not made for that version.
    :raises PlatformError: naming every artifact that it lacks, as one that an older release made may.
    """
    manifest.require(kubernetes_version)
    have = {(part.kind, part.name) for part in manifest.parts if part.kubernetes in (None, kubernetes_version)}
    lacking = [output.name for output in needed(kubernetes_version) if (output.kind, output.name) not in have]
    if lacking:
        raise PlatformError(
            f"{manifest.where} lacks {', '.join(lacking)} for Kubernetes {kubernetes_version}; "
            "run the playbook lodestar.platform.bundle, which adds them"
        )


def kubernetes_units(version: str) -> list[Unit]:
    """The units of one Kubernetes version (full, without v): one multicall binary, and one archive of four images."""
    binary = _kubernetes_programs(version)
    names = KUBERNETES_PROGRAMS[:4]
    layer = Layer(files={f"usr/local/bin/{name}": (binary.name, name) for name in names})
    images = tuple(
        Image(name, (f"v{version}",), (f"/usr/local/bin/{name}",), _with_tools(layer, name == "kube-proxy"))
        for name in names
    )
    output = Output("kubernetes", "image", "images.tar", f"images/kubernetes-{version}.tar", "kubernetes")
    needs = (binary.name, _TOOLS, _COMPRESSOR)
    return [binary, Unit(f"kubernetes-images-{version}", f"v{version}", _made(*images), (output,), needs, version)]


def shared_units() -> list[Unit]:
    """The units that serve every Kubernetes version."""
    return [
        _compressor(),
        _network_tools(),
        *_own_image("pause", PAUSE_TAGS, programs.PAUSE, "65535:65535", "kubernetes"),
        *_own_image("probe", ("1",), programs.PROBE, "65532:65532", "test"),
        *_runtime(),
        *_etcd(),
        *_addon("coredns", "github.com/coredns/coredns", "."),
        *_addon("kube-vip", "github.com/kube-vip/kube-vip", ".", {"main.Version": "{version}"}),
        *_addon(
            "kube-router",
            "github.com/k3s-io/kube-router/v2",
            "./cmd/kube-router",
            {"github.com/cloudnativelabs/kube-router/v2/pkg/version.Version": "{version}"},
            tools=True,
        ),
        *_addon(
            "metrics-server",
            "sigs.k8s.io/metrics-server",
            "./cmd/metrics-server",
            {"k8s.io/client-go/pkg/version.gitVersion": "{version}"},
        ),
        *_addon(
            "placement",
            "open-cluster-management.io/ocm",
            "./cmd/placement",
            {"open-cluster-management.io/ocm/pkg/version.versionFromGit": "{version}"},
            purpose="hub",
            versions_key="ocm",
        ),
        *_crds(),
    ]


def _kubernetes_programs(version: str) -> Unit:
    tag = f"v{version}"
    variables = {
        "gitVersion": "{version}",
        "gitMajor": "{major}",
        "gitMinor": "{minor}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "{time}",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    build = GoBuild(
        module="k8s.io/kubernetes",
        version=tag,
        packages={KUBERNETES_PROGRAMS[0]: "."},
        program=programs.HYPERKUBE,
        staging="k8s.io/",
        stamps={f"{package}.{variable}": value for package in packages for variable, value in variables.items()},
        links={KUBERNETES_PROGRAMS[0]: KUBERNETES_PROGRAMS[1:]},
    )
    release = ReleaseFiles("kubernetes", tag, "{version}/bin/linux/{architecture}/{file}", KUBERNETES_PROGRAMS)
    outputs = tuple(
        Output(name, "binary", name, f"kubernetes/{version}/{name}", "kubernetes") for name in KUBERNETES_PROGRAMS[4:]
    )
    return Unit(f"kubernetes-{version}", tag, (release, build), outputs, kubernetes=version)


def _runtime() -> list[Unit]:
    containerd = "github.com/containerd/containerd/v2"
    plugins = "github.com/containernetworking/plugins"
    return [
        _binaries(
            "containerd",
            "runtime",
            containerd,
            {name: f"./cmd/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
            tags=("no_btrfs", "no_zfs", "no_devmapper"),
            stamps={f"{containerd}/version.Version": "{version}"},
        ),
        _runc(),
        _binaries(
            "crictl",
            "runtime",
            "sigs.k8s.io/cri-tools",
            {"crictl": "./cmd/crictl"},
            stamps={"sigs.k8s.io/cri-tools/pkg/version.Version": "{version}"},
        ),
        _binaries(
            "cni-plugins",
            "cni",
            plugins,
            {name: f"./plugins/{folder}/{name}" for folder, names in _CNI_PLUGINS.items() for name in names},
            stamps={f"{plugins}/pkg/utils/buildversion.BuildVersion": "{version}"},
        ),
    ]


def _with_tools(layer: Layer, tools: bool) -> tuple[Layer, ...]:
    return (Layer(tree=_TOOLS), layer) if tools else (layer,)


def _binaries(name: str, purpose: str, module: str, packages: t.Mapping[str, str], **more: t.Any) -> Unit:
    version = VERSIONS[name]
    outputs = tuple(Output(file, "binary", file, f"{purpose}/{file}", purpose) for file in packages)
    return Unit(name, version, (GoBuild(module, version, packages, **more),), outputs)


def _addon(
    name: str,
    module: str,
    package: str,
    stamps: t.Mapping[str, str] | None = None,
    *,
    tools: bool = False,
    purpose: str = "addon",
    versions_key: str = "",
) -> list[Unit]:
    version = VERSIONS[versions_key or name]
    binary = Unit(f"{name}-program", version, (GoBuild(module, version, {name: package}, stamps=stamps or {}),))
    layer = Layer(files={name: (binary.name, name)})
    image = Image(name, (version,), (f"/{name}",), _with_tools(layer, tools))
    return [binary, _image_unit(name, version, image, purpose, (binary.name, *([_TOOLS] if tools else ())))]


def _own_image(name: str, tags: tuple[str, ...], source: str, user: str, purpose: str) -> list[Unit]:
    binary = Unit(f"{name}-program", tags[-1], (GoBuild("", "", {name: "."}, program=source),))
    image = Image(name, tags, (f"/{name}",), (Layer(files={name: (binary.name, name)}),), user)
    return [binary, _image_unit(name, tags[-1], image, purpose, (binary.name,))]


def _image_unit(name: str, version: str, image: Image, purpose: str, needs: tuple[str, ...]) -> Unit:
    output = Output(name, "image", "images.tar", f"images/{name}.tar", purpose)
    return Unit(name, version, _made(image), (output,), (*needs, _COMPRESSOR))


def _made(*images: Image) -> tuple[Archive | RegistryImages, ...]:
    """How an archive of images is made: as their makers publish them, or of other units."""
    archive = Archive(images, _COMPRESSOR)
    if not all(image.name in REPOSITORIES for image in images):
        return (archive,)
    published = (Published(image.name, REPOSITORIES[image.name], tag) for image in images for tag in image.tags)
    return RegistryImages(tuple(published)), archive


def _compressor() -> Unit:
    """Layers are compressed by a program of ours: zstd unpacks twice as fast as gzip, and Python 3.11 has none."""
    version = VERSIONS["compress"]
    build = GoBuild("github.com/klauspost/compress", version, {_COMPRESSOR: "."}, program=programs.ZSTD, host=True)
    return Unit(_COMPRESSOR, version, (build,))


def _etcd() -> list[Unit]:
    version = VERSIONS["etcd"]
    modules = tuple((f"go.etcd.io/etcd/{name}/v3", version) for name in ("etcdctl", "etcdutl"))
    build = GoBuild(
        module="go.etcd.io/etcd/server/v3",
        version=version,
        packages={"etcd": ".", "etcdutl": "go.etcd.io/etcd/etcdutl/v3"},
        program=programs.ETCD,
        requires=modules,
        links={"etcd": ("etcdctl",)},
    )
    names = ("etcd", "etcdctl", "etcdutl")
    outputs = tuple(Output(name, "binary", name, f"etcd/{name}", "etcd") for name in names)
    binary = Unit("etcd-programs", version, (build,), outputs)
    layer = Layer(files={f"usr/local/bin/{name}": (binary.name, name) for name in names})
    image = Image("etcd", (ETCD_TAG,), ("/usr/local/bin/etcd",), (layer,))
    return [binary, _image_unit("etcd-image", version, image, "kubernetes", (binary.name,))]


def _runc() -> Unit:
    version = VERSIONS["runc"]
    build = GoBuild(
        "github.com/opencontainers/runc",
        version,
        {"runc": "."},
        tags=("seccomp", "netgo", "osusergo", "urfave_cli_no_docs"),
        static_libraries=("libseccomp-dev",),
    )
    system = SystemFile(("runc",), "usr/sbin/runc", "runc")
    return Unit("runc", version, (build, system), (Output("runc", "binary", "runc", "runtime/runc", "runtime"),))


def _network_tools() -> Unit:
    multi = "xtables-nft-multi"
    links = {
        f"usr/sbin/{family}{suffix}": multi
        for family in ("iptables", "ip6tables")
        for suffix in ("", "-save", "-restore")
    }
    links |= {f"usr/sbin/{name}": "../bin/kmod" for name in ("modprobe", "lsmod")} | {"usr/bin/sh": "dash"}
    recipe = SystemTools(
        packages=("iptables", "ipset", "conntrack", "nftables", "iproute2", "ethtool", "kmod", "dash", "netbase"),
        programs=(
            *(f"usr/sbin/{name}" for name in (multi, "xtables-legacy-multi", "ipset", "conntrack", "nft", "ethtool")),
            *(
                f"usr/sbin/{family}-{mode}{suffix}"
                for family in ("iptables", "ip6tables")
                for mode in ("nft", "legacy")
                for suffix in ("", "-save", "-restore")
            ),
            *(f"usr/bin/{name}" for name in ("ip", "kmod", "dash")),
            "usr/lib/{triplet}/xtables/",
            "etc/protocols",
            "etc/iproute2/",
        ),
        links=links,
    )
    return Unit(_TOOLS, "1", (recipe,))


def _crds() -> list[Unit]:
    cluster = "cluster/{}_clusters.open-cluster-management.io_{}.crd.yaml"
    policy = "config/crds/policyreport/wgpolicyk8s.io_{}.yaml"
    return [
        _crd(
            "crds-ocm-cluster",
            "ocm-api",
            "open-cluster-management.io/api",
            cluster.format("v1/0000_00", "managedclusters"),
            cluster.format("v1beta2/0000_00", "managedclustersets"),
            cluster.format("v1beta2/0000_01", "managedclustersetbindings"),
            cluster.format("v1beta1/0000_02", "placements"),
            cluster.format("v1beta1/0000_03", "placementdecisions"),
            cluster.format("v1alpha1/0000_02", "clusterclaims"),
            cluster.format("v1alpha1/0000_05", "addonplacementscores"),
        ),
        _crd(
            "crds-clusterprofile",
            "cluster-inventory-api",
            "sigs.k8s.io/cluster-inventory-api",
            "config/crd/bases/multicluster.x-k8s.io_clusterprofiles.yaml",
        ),
        _crd(
            "crds-clusterproperty",
            "ocm",
            "open-cluster-management.io/ocm",
            "manifests/klusterlet/managed/clusterproperties.crd.yaml",
        ),
        _crd(
            "crds-policyreport",
            "kyverno",
            "github.com/kyverno/kyverno",
            policy.format("policyreports"),
            policy.format("clusterpolicyreports"),
        ),
    ]


def _crd(name: str, versions_key: str, module: str, *files: str) -> Unit:
    version = VERSIONS[versions_key]
    recipe = ModuleFiles(module, version, {f"{name}.yaml": files})
    return Unit(name, version, (recipe,), (Output(name, "crd", f"{name}.yaml", f"crds/{name}.yaml", "hub"),))
