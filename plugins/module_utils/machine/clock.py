# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether something keeps the clock of a machine. Private to the collection."""

from __future__ import annotations

import os
import typing as t

from . import host

#: Any of these keeps the clock.
SERVICES = ("chrony", "chronyd", "systemd-timesyncd", "ntp", "ntpd", "ntpsec")


def warnings(name: str, services: t.Mapping[str, host.Service]) -> list[str]:
    """A warning where nothing keeps the clock of a machine; a container has its host's.

    :param services: those of :data:`SERVICES` by name.
    """
    if os.path.exists("/run/systemd/container") or any(services[item].active for item in SERVICES):
        return []
    known = ", ".join(SERVICES)
    return [
        f"{name}: no service keeps its clock (looked for {known}), and certificates and etcd need clocks that agree:"
        " install and enable one, such as chrony"
    ]
