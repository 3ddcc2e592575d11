#!/usr/bin/python
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_overview
short_description: Write a report of the whole fleet as one HTML page, JSON and Markdown
version_added: 0.1.0
description:
  - Reads the clusters that the hub records, judges what needs attention, and writes it down. The cluster that the
    connection options mean is the hub.
  - With O(live=true) every cluster is asked, too, side by side, by the access that the hub keeps. One that does not
    answer is part of the report, and costs at most O(deadline).
  - The page is one file that asks for nothing else, and works without scripts, on paper, and in the dark. Whatever a
    cluster or the inventory says is shown as text and never obeyed.
  - The files hold no credential. They do hold names, addresses and weak points of the fleet, so O(mode) lets only their
    owner read them.
  - What cannot be read is left out and named.
author:
  - The lodestar.platform authors (@lodestar-platform)
attributes:
  check_mode:
    support: full
    description: Everything is read, and no file is written.
  diff_mode:
    support: full
    description: Size, mode and digest of each file, before and after, rather than pages of text.
  action:
    support: full
    description: It runs on the controller, in the Ansible process, and the files are there.
extends_documentation_fragment:
  - lodestar.platform.connection
options:
  names:
    description: Only these clusters. A name that the hub does not know is a warning.
    type: list
    elements: str
    default: []
  label_selector:
    description: Only clusters whose record matches this selector, in the syntax of Kubernetes, such as V(region=north).
    type: str
  live:
    description: Ask each cluster, too. This needs to read the hub's access Secrets.
    type: bool
    default: true
  deadline:
    description: Seconds that a cluster may take to answer.
    type: int
    default: 10
  at_once:
    description: How many clusters are asked side by side.
    type: int
    default: 16
  fleet:
    description:
      - The fleet as returned by M(lodestar.platform.fleet). With it the report compares versions, machines and tenants
        with what is declared.
    type: dict
  placements:
    description:
      - Why placements choose clusters, as C(placements) of M(lodestar.platform.placement_info). Without it the report
        tells which clusters they have chosen, and not why.
    type: list
    elements: dict
    default: []
  drift_report:
    description: File with the JSON that M(lodestar.platform.drift) has written. Without it, drift is left out.
    type: path
  run_reports:
    description:
      - Files with the JSON that M(lodestar.platform.fleet_report) has written at the end of runs, in any order. They
        tell what runs have changed, and when certificates on machines end.
    type: list
    elements: path
    default: []
  title:
    description: Title of the page.
    type: str
    default: Fleet report
  at:
    description:
      - The moment that the report speaks of, in RFC 3339; now by default. With the same inputs and the same moment the
        files are the same to the byte.
    type: str
  html:
    description: File that is written as HTML. A folder that is missing is created, which the plan says.
    type: path
  json:
    description: File that is written as JSON, in the shape that docs/fleet-report.md describes.
    type: path
  markdown:
    description: File that is written as Markdown.
    type: path
  mode:
    description: Mode of the files, as octal digits in quotes.
    type: str
    default: "0600"
seealso:
  - module: lodestar.platform.fleet_info
  - module: lodestar.platform.fleet_report
    description: The report at the end of a run.
"""

EXAMPLES = r"""
- name: Write the report of the whole fleet
  lodestar.platform.fleet_overview:
    kubeconfig: ~/clusters/hub.yaml
    html: reports/fleet.html
    json: reports/fleet.json

- name: Report one region from the hub's records alone
  lodestar.platform.fleet_overview:
    kubeconfig: ~/clusters/hub.yaml
    label_selector: region=north
    live: false
    title: Clusters of the north
    markdown: reports/north.md
    mode: "0644"
"""

RETURN = r"""
summary:
  description: C(clusters), C(health) and C(findings) by severity, C(modes), C(nodes), C(allocatable), C(requested).
  returned: success
  type: dict
findings:
  description: What needs attention, the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description: C(critical), C(warning) or C(notice).
      returned: always
      type: str
    cluster:
      description: Name of the cluster; V(null) for the fleet as a whole.
      returned: always
      type: str
    area:
      description: What it is about, such as C(availability), C(nodes) or C(policies).
      returned: always
      type: str
    text:
      description: What was found.
      returned: always
      type: str
    since:
      description: Since when, as RFC 3339; V(null) where nobody knows.
      returned: always
      type: str
    remedy:
      description: What to do about it.
      returned: always
      type: str
problems:
  description: The findings that are critical or a warning, a line each.
  returned: success
  type: list
  elements: str
table:
  description: The lines that are shown.
  returned: success
  type: list
  elements: str
paths:
  description: The files, by format.
  returned: success
  type: dict
  sample:
    html: reports/fleet.html
plan:
  description: The folders and files that were written, or in check mode would be, each with C(before) and C(after).
  returned: success
  type: list
  elements: dict
"""

from ansible_collections.lodestar.platform.plugins.module_utils.fleet.overview.operation import OPERATION


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
