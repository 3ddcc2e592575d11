#!/usr/bin/env python3
# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the machines' addresses and keys are: the variables C(testbed_state) and C(testbed), as an inventory.

C(python -m testbed up) has written them down. Another fleet of the same shape has another state directory. Read once a
run: a template would read the file whenever any task connects to any machine.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Prints them as ansible-inventory reads them."""
    checkout = Path(__file__).resolve().parents[2]
    state = Path(os.environ.get("LODESTAR_TESTBED_STATE") or checkout / ".quickstart").resolve()
    try:
        testbed = json.loads((state / "fleet.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"there are no machines yet (no {state / 'fleet.json'}); make them: python -m testbed up")
    variables = {"testbed_state": str(state), "testbed": testbed}
    json.dump({"all": {"vars": variables}, "_meta": {"hostvars": {}}}, sys.stdout)


if __name__ == "__main__":
    main()
