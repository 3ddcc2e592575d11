# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check, in the order in which they are told. Pure. Private to the collection."""

from __future__ import annotations

from . import across, network, occupied, system
from .model import Check

CHECKS: tuple[Check, ...] = (*across.CHECKS, *system.CHECKS, *network.CHECKS, *occupied.CHECKS)
IDS: tuple[str, ...] = tuple(check.id for check in CHECKS)
