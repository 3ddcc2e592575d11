# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(python measured.py FILE COMMAND...): runs a command and writes its seconds, and the KiB of memory of the largest
of its processes, to a file. A process of its own, since Linux counts what the parent of a process held as its own.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    begin = time.perf_counter()
    child = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
    _child, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begin
    Path(sys.argv[1]).write_text(json.dumps({"seconds": seconds, "kib": usage.ru_maxrss}))
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    raise SystemExit(main())
