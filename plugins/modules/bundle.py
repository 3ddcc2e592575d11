# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Make a verified directory of everything that clusters of a Kubernetes version need
version_added: 0.1.0
description:
  - Makes a directory of executables, OCI image archives and custom resource definitions, with a C(manifest.json) that
    names the version, size, sha256 and origin of each. Machines get what they lack from there, and need no registry.
  - What is there and intact stays. A part that is missing, damaged, or not what this release of the collection would
    make, is made again. Kubernetes versions that the bundle holds already stay in it.
  - Built parts are kept in a cache by what determines them, so that a second bundle, or another Kubernetes version,
    builds only what is new.
options:
  path:
    description: Directory of the bundle. By default C(bundle) in O(cache_dir).
    type: path
  kubernetes_versions:
    description: Kubernetes versions to have in the bundle, full and quoted.
    type: list
    elements: str
    required: true
  architecture:
    description:
      - Architecture of the machines.
      - For another architecture than the host's, parts of the operating system come from Debian packages, which needs
        C(apt-get).
    type: str
    choices: [amd64, arm64]
    default: amd64
  source:
    description:
      - Where parts come from. V(mirror) is another bundle, V(build) builds from Go modules.
      - V(upstream) takes what the makers release from the servers in O(upstream), and builds the rest. A server that is
        set and does not have what it should have is a failure.
      - V(auto) is the first of V(mirror), V(upstream) and V(build) that is set and answers within seconds.
        Parts that are there and intact stay, whichever of these they came from.
    type: str
    choices: [auto, mirror, upstream, build]
    default: auto
  mirror:
    description: Directory or http(s) URL of a bundle. Every file from it is checked against its manifest.
    type: str
  upstream:
    description: Release servers and registries. There is no default.
    type: dict
    suboptions:
      images:
        description:
          - Where images are pulled from, as C([http://]host[:port]/repository). Without C(http://) it is https. The
            host is the one that serves the registry's API.
          - C(default) stands before the repositories that the makers use (C(kube-apiserver), C(coredns/coredns) and so
            on), so that a mirror or a pull-through cache of their registry is one line.
          - "The name of an image is its own repository, with another tag or a digest if wanted: C(kube-apiserver),
            C(kube-controller-manager), C(kube-scheduler), C(kube-proxy), C(coredns), C(etcd), C(kube-router),
            C(kube-vip), C(metrics-server), C(pause), C(placement)."
          - Images without a place are made here. The four of Kubernetes are pulled together or not at all.
        type: dict
      kubernetes:
        description: >-
          Server of the Kubernetes release files. Below it lies C(v<version>/bin/linux/<architecture>/<program>), each
          with a C(.sha256) beside it.
        type: str
  registry_logins:
    description:
      - C(username) and C(password) by host of a registry, as it stands in O(upstream). Others are read anonymously.
    type: dict
  cache_dir:
    description:
      - Directory for built parts, and for Go's caches while something is built.
      - By default C(lodestar) in the user's cache directory (E(XDG_CACHE_HOME), or C(~/.cache)).
    type: path
  keep_go_cache:
    description:
      - Keep Go's modules and compiled packages after a build. They take about 12 GB for the first Kubernetes version
        and 6 GB for each further one, and help only whoever changes the catalog.
    type: bool
    default: false
  verify:
    description: Read every file and compare its sha256, not only those whose size or time has changed.
    type: bool
    default: false
attributes:
  check_mode:
    description: Lists the parts that would be made, and makes nothing.
    support: full
  diff_mode:
    description: Shows version and origin of each part that changes.
    support: full
notes:
  - Run it on the controller (C(connection=local)), where it tells what it builds; on another host it runs silently.
  - Building needs Go on E(PATH), and reaches the module proxy and checksum database that Go is set to.
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: A bundle for two Kubernetes versions, from wherever it can be had
  lodestar.platform.bundle:
    kubernetes_versions: ["1.35.4", "1.36.3"]

- name: A bundle from a company's mirror
  lodestar.platform.bundle:
    path: /srv/bundle
    kubernetes_versions: ["1.36.3"]
    source: mirror
    mirror: https://mirror.example.com/lodestar/bundle

- name: A bundle of the makers' own releases and images, through a company's proxies
  lodestar.platform.bundle:
    kubernetes_versions: ["1.36.3"]
    source: upstream
    upstream:
      kubernetes: https://files.example.com/kubernetes
      images:
        default: registry.example.com/kubernetes
        kube-router: registry.example.com/hub/cloudnativelabs/kube-router
        kube-vip: registry.example.com/github/kube-vip/kube-vip
    registry_logins:
      registry.example.com:
        username: puller
        password: "{{ vault_registry_password }}"

- name: Check every byte of a bundle, and repair what is damaged
  lodestar.platform.bundle:
    kubernetes_versions: ["1.36.3"]
    verify: true
"""

RETURN = r"""
directory:
  description: Directory of the bundle.
  returned: success
  type: str
  sample: /root/.cache/lodestar/bundle
architecture:
  description: Architecture that the bundle is for.
  returned: success
  type: str
  sample: amd64
source:
  description: Where missing parts came from (V(mirror) or V(build)), or V(present) when nothing was missing.
  returned: success
  type: str
  sample: present
kubernetes:
  description: Kubernetes versions that the bundle is complete for.
  returned: success
  type: list
  elements: str
  sample: ["1.36.3"]
parts:
  description: The artifacts, as in C(manifest.json).
  returned: success, not in check mode when something would change
  type: list
  elements: dict
size:
  description: Bytes of all artifacts, equal ones counted once.
  returned: success, not in check mode when something would change
  type: int
plan:
  description: The steps that were carried out, or would be in check mode.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils.bundle.assemble import plan
from ..module_utils.operation import Operation

OPERATION = Operation(
    arguments={
        "path": {"type": "path"},
        "kubernetes_versions": {"type": "list", "elements": "str", "required": True},
        "architecture": {"type": "str", "choices": ["amd64", "arm64"], "default": "amd64"},
        "source": {"type": "str", "choices": ["auto", "mirror", "upstream", "build"], "default": "auto"},
        "mirror": {"type": "str"},
        "upstream": {"type": "dict", "options": {"kubernetes": {"type": "str"}, "images": {"type": "dict"}}},
        "registry_logins": {"type": "dict", "no_log": True},
        "cache_dir": {"type": "path"},
        "keep_go_cache": {"type": "bool", "default": False},
        "verify": {"type": "bool", "default": False},
    },
    plan=plan,
)


def main() -> None:
    """Runs the operation as an ordinary module."""
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
