# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: machine_reach
short_description: Find out whether machines reach each other
version_added: 0.1.0
description:
  - With O(state=listening), answers on those ports that the machine's cluster needs of it and that nothing listens on.
    The listener is a transient service of systemd with a token of its own, so that no other program is taken for it.
  - With O(state=probed), connects to the ports that this machine needs of its peers. Where a peer's listener listens,
    its token must come back; where something else listens, a connection is enough.
  - With O(state=ended), ends the listener. It ends by itself after O(lifetime).
  - There is no state to keep, so nothing counts as changed. M(lodestar.platform.machine_preflight) judges what is
    returned.
options:
  state:
    description: What to do.
    type: str
    choices: [listening, probed, ended]
    required: true
  lifetime:
    description: How many seconds the listener answers, at most.
    type: int
    default: 60
  timeout:
    description: How many seconds a connection may take.
    type: float
    default: 3.0
  among:
    description: Which pairs of machines are probed. V(newcomers) are those of which one is not yet part of its cluster.
    type: str
    choices: [newcomers, all]
    default: newcomers
  peers:
    description:
      - C(name), C(address) and C(token) of each machine to connect to, and C(ports), a list of C(port), C(purpose) and
        whether its listener is C(ours).
      - Filled in by the action plugin from what the machines of the play have registered.
    type: list
    elements: dict
    default: []
  unit:
    description: The listener to end, as RV(unit) of the task that began it.
    type: str
extends_documentation_fragment:
  - lodestar.platform.on_machine
attributes:
  check_mode:
    description: Nothing is listened on and nothing is connected to.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
author:
  - The lodestar.platform authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Answer on the ports that nothing listens on
  lodestar.platform.machine_reach:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    state: listening
  register: listener

- name: End that
  lodestar.platform.machine_reach:
    cluster: "{{ lodestar_fleet.clusters.east }}"
    machine: "{{ lodestar_fleet.machines[inventory_hostname] }}"
    state: ended
    unit: "{{ listener.unit }}"
"""

RETURN = r"""
listening:
  description: Ports on which the listener answers.
  returned: with O(state=listening)
  type: list
  elements: int
occupied:
  description: Ports on which something else listens.
  returned: with O(state=listening)
  type: list
  elements: int
failed:
  description: Why the listener could not listen, by port.
  returned: with O(state=listening)
  type: dict
unit:
  description: Name of the listener's service, empty when there is none.
  returned: with O(state=listening)
  type: str
token:
  description: What the listener says to whoever connects. It opens nothing.
  returned: with O(state=listening)
  type: str
probes:
  description: What answered, one entry a peer and port.
  returned: with O(state=probed)
  type: list
  elements: dict
  contains:
    peer:
      description: The machine.
      returned: always
      type: str
    port:
      description: Its TCP port.
      returned: always
      type: int
    purpose:
      description: The component that serves it.
      returned: always
      type: str
    answer:
      description: C(ours), C(open) (somebody listens), C(other) (somebody, but not the peer's listener), C(timeout), or
        what the kernel says.
      returned: always
      type: str
    ms:
      description: Milliseconds until the connection stood, V(null) when it did not.
      returned: always
      type: float
"""

from ansible_collections.lodestar.platform.plugins.module_utils.machine.operations.reach import (
    MACHINE_REACH as OPERATION,
)


def main() -> None:
    OPERATION.run_as_module()


if __name__ == "__main__":
    main()
