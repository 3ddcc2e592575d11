#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_check
short_description: Refuse a bundle that lacks something or is damaged
version_added: 0.1.0
description:
  - Looks whether a bundle is complete for some Kubernetes versions, and reads chosen artifacts of it to compare their
    size and sha256 with its manifest. What is missing or damaged is named, and the task fails.
  - It changes nothing. The playbook C(lodestar.platform.site) uses it before the first change; the module
    M(lodestar.platform.bundle) repairs a bundle.
options:
  path:
    description: Directory of the bundle on the controller.
    type: path
    required: true
  kubernetes_versions:
    description: Full Kubernetes versions that the bundle must be complete for.
    type: list
    elements: str
    default: []
  kinds:
    description: Kinds of artifacts whose every byte is read and compared.
    type: list
    elements: str
    choices: [binary, image, crd]
    default: []
  digests:
    description: Artifacts whose every byte is read and compared, by the sha256 that the manifest says they have.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing.
  action:
    support: full
    description: It runs on the controller, in the Ansible process.
author:
  - The lodestar.platform authors (@lodestar-platform)
"""

EXAMPLES = r"""
- name: The bundle is complete for two versions, and its custom resource definitions are undamaged
  lodestar.platform.bundle_check:
    path: /srv/lodestar/bundle
    kubernetes_versions: ["1.35.4", "1.36.3"]
    kinds: [crd]
  run_once: true

- name: Every byte of a bundle is what its manifest says
  lodestar.platform.bundle_check:
    path: /srv/lodestar/bundle
    kinds: [binary, image, crd]
  run_once: true
"""

RETURN = r"""
artifacts:
  description: The artifacts that were read and compared.
  returned: success
  type: list
  elements: str
  sample: ["crd crds-ocm-cluster v1.3.0"]
damaged:
  description: Paths, relative to the bundle, of the artifacts that are missing or damaged.
  returned: failure, when that is the reason
  type: list
  elements: str
"""

from ..module_utils.bundle.check import plan
from ..module_utils.bundle.manifest import KINDS
from ..module_utils.operation import Operation

OPERATION = Operation(
    arguments={
        "path": {"type": "path", "required": True},
        "kubernetes_versions": {"type": "list", "elements": "str", "default": []},
        "kinds": {"type": "list", "elements": "str", "choices": list(KINDS), "default": []},
        "digests": {"type": "list", "elements": "str", "default": []},
    },
    plan=plan,
)


def main() -> None:
    """Runs the operation as an ordinary module."""
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
