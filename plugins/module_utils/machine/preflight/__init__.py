# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether machines can carry Kubernetes: facts are probed once, judged by pure checks, and told all at once.

C(observe) reads the facts on a machine, C(registry) lists every check, C(judge) holds all machines of a run against
them on the controller, and C(reach) is about the ports between machines. Private to the collection.
"""
