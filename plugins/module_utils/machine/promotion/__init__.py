# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a cluster that others have made can become one of ours, and what makes its machines ours.

C(look) reads what a machine is, C(checks) and C(judge) hold all machines of a cluster against what must be so, on the
controller, C(differences) tells what a site run would change afterwards, and C(adopt) acts. Private to the collection.
"""
