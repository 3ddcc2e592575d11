# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule of the library by its name. Pure. Private to the collection."""

from __future__ import annotations

from . import availability, classes, host, images, metadata, network, resources, security
from .custom import CustomRule
from .rule import Rule

#: In the order of docs/policies.md, family by family.
FAMILIES: dict[str, tuple[Rule, ...]] = {
    module.__name__.rpartition(".")[2]: tuple(module.RULES)
    for module in (images, metadata, resources, security, host, availability, network, classes)
}
LIBRARY: dict[str, Rule] = {rule.name: rule for family in FAMILIES.values() for rule in family}
RULES: dict[str, Rule | CustomRule] = {**LIBRARY, CustomRule.name: CustomRule()}
