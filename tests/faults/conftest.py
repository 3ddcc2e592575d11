# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults are made in the suite's own fleet, the one of tests/e2e."""

from tests.e2e.conftest import fleet, machines, platform

__all__ = ["fleet", "machines", "platform"]
