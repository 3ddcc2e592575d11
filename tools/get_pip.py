# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts pip into an empty virtual environment, for ansible-test.

ansible-test downloads a script for this from a server of its own, and takes one from its cache where it finds it.
This one takes the pip that comes with Python, and has it fetch the asked for version from the package index.
"""

from __future__ import annotations

import subprocess
import sys


def main(arguments: list[str]) -> None:
    """Installs the packages named by the arguments, which are those of ansible-test's own script."""
    unknown_to_pip = {"--no-setuptools", "--no-wheel"}
    wanted = [argument for argument in arguments if argument not in unknown_to_pip]
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
