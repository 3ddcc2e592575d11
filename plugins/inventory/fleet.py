# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
short_description: Clusters of the fleet, from the hub
version_added: 0.1.0
author:
  - The lodestar.platform authors (@lodestar-platform)
description:
  - Makes a host of every cluster that the hub records, in the group O(group), with C(ansible_connection=local).
  - What the hub knows becomes variables C(fleet_name), C(fleet_uid), C(fleet_mode), C(fleet_role),
    C(fleet_cluster_set), C(fleet_labels), C(fleet_version), C(fleet_distribution), C(fleet_server), C(fleet_capacity),
    C(fleet_allocatable), C(fleet_taints), C(fleet_available), C(fleet_conditions), C(fleet_lacking),
    C(fleet_access_expires), C(fleet_detaching), C(fleet_destroying) and C(fleet_destroying_since).
    RV(lodestar.platform.fleet_info#module:clusters) tells what each means. No variable holds a credential.
  - The file must be named C(*.fleet.yml), C(*.fleet.yaml), C(fleet.yml) or C(fleet.yaml).
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [lodestar.platform.fleet]
  kubeconfig:
    description:
      - Path of the hub's kubeconfig. It may carry an address, a CA and a credential, nothing else, unless
        O(kubeconfig_allow) says so.
    type: path
    env:
      - name: K8S_AUTH_KUBECONFIG
  kubeconfig_allow:
    description: What this kubeconfig may do beyond carrying data, as for the collection's modules.
    type: list
    elements: str
    choices: [exec, files, link-local]
    default: []
  context:
    description: The context of the kubeconfig. The current one by default.
    type: str
    env:
      - name: K8S_AUTH_CONTEXT
  host:
    description: Address of the hub's API server, V(https://host:port), in place of a kubeconfig.
    type: str
    env:
      - name: K8S_AUTH_HOST
  api_key:
    description: Bearer token.
    type: str
    env:
      - name: K8S_AUTH_API_KEY
  ca_cert:
    description: The certificates to trust, as the path of a PEM file or its content.
    type: str
    env:
      - name: K8S_AUTH_SSL_CA_CERT
  label_selector:
    description: Only clusters whose record matches this selector, in the syntax of Kubernetes.
    type: str
  group:
    description: The group that all of them are in.
    type: str
    default: clusters
  hostvars_prefix:
    description: What the names of the variables begin with.
    type: str
    default: fleet_
notes:
  - With O(cache=true) the hub is asked again when the cache has ended, or with C(--flush-cache).
  - TLS is always verified. E(K8S_AUTH_VERIFY_SSL) with a false value is refused.
"""

EXAMPLES = r"""
# Whatever the hub knows, from the environment that AWX's credential for Kubernetes gives:
plugin: lodestar.platform.fleet
---
# Groups by label, set, version, distribution and whether a cluster answers:
plugin: lodestar.platform.fleet
kubeconfig: /etc/lodestar/hub.yaml
label_selector: environment=production
keyed_groups:
  - key: fleet_labels.region
    prefix: region
  - key: fleet_cluster_set
    prefix: set
  - key: fleet_version | regex_replace('^v(\d+)\.(\d+).*', '\1_\2')
    prefix: kubernetes
  - key: fleet_distribution
    prefix: distribution
  - key: fleet_available
    prefix: available
groups:
  attached: fleet_mode == 'attach'
  ending: fleet_detaching or fleet_destroying
compose:
  region: fleet_labels.region | default('nowhere')
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/lodestar
cache_timeout: 300
"""

import os
import typing as t

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.lodestar.platform.plugins.module_utils.errors import PlatformError
from ansible_collections.lodestar.platform.plugins.module_utils.fleet import hub_view
from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import resolve
from ansible_collections.lodestar.platform.plugins.plugin_utils.in_process import plain

_FILES = ("fleet.yml", "fleet.yaml")
_CONNECTION = ("kubeconfig", "kubeconfig_allow", "context", "host", "api_key", "ca_cert")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Clusters of the fleet, from the hub."""

    NAME = "lodestar.platform.fleet"

    def verify_file(self, path: str) -> bool:
        """Whether the file's name is one of this plugin's."""
        return bool(super().verify_file(path) and path.endswith(_FILES))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Adds the clusters to the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        group = inventory.add_group(self.get_option("group"))
        for cluster in self._clusters(path, cache):
            self._add(cluster, group)

    def _clusters(self, path: str, cache: bool) -> list[hub_view.View]:
        """From the cache as far as it holds them."""
        self.load_cache_plugin()
        key = self.get_cache_key(path)
        wanted = bool(self.get_option("cache"))
        if wanted and cache:
            try:
                return list(self._cache[key])
            except KeyError:
                pass
        found = self._ask()
        if wanted:
            self._cache[key] = found
        return found

    def _ask(self) -> list[hub_view.View]:
        params = plain({name: self.get_option(name) for name in _CONNECTION})
        selector = plain(self.get_option("label_selector"))
        try:
            with Client(resolve(params, os.environ)) as hub:
                return hub_view.read(hub, label_selector=selector)
        except PlatformError as exc:
            raise AnsibleParserError(f"{self.NAME}: the hub cannot be read: {exc}") from exc

    def _add(self, cluster: hub_view.View, group: str) -> None:
        host = self.inventory.add_host(cluster["name"], group=group)
        self.inventory.set_variable(host, "ansible_connection", "local")
        prefix = self.get_option("hostvars_prefix")
        named = {f"{prefix}{key}": value for key, value in cluster.items()}
        for key, value in named.items():
            self.inventory.set_variable(host, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), named, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), named, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), named, host, strict=strict)
