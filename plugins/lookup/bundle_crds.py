# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings custom resource definitions of a bundle into a playbook, verified."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bundle_crds
short_description: The custom resource definitions of a bundle, verified
version_added: 0.1.0
author:
  - The lodestar.platform authors (@lodestar-platform)
description:
  - Reads the custom resource definitions that the manifest of a bundle names, and compares size and sha256 of each.
    One that is missing or damaged is named, and the lookup fails.
options:
  _terms:
    description: Directories of bundles on the controller.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show which definitions a bundle holds
  ansible.builtin.debug:
    msg: "{{ query('lodestar.platform.bundle_crds', '~/.cache/lodestar/bundle')
      | map('ansible.builtin.from_yaml_all') | flatten | map(attribute='metadata.name') }}"
"""

RETURN = r"""
_raw:
  description: YAML texts, each of one or more documents.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.lodestar.platform.plugins.module_utils.bundle.check import crds
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError


class LookupModule(LookupBase):
    """The lookup C(bundle_crds)."""

    def run(self, terms: t.Sequence[str], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        """The texts of every bundle's definitions.

        :raises AnsibleError: when one of them cannot be used, with its name.
        """
        try:
            return [text for term in terms for text in crds(str(term))]
        except PlatformError as exc:
            raise AnsibleError(str(exc)) from exc
