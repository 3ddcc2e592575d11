# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors that operators are meant to read. Private to the collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


class PlatformError(Exception):
    """A failure with a message for the operator, and data for programs in ``details``.

    Anything else that is raised is a defect, and Ansible shows its traceback.
    """

    #: Whatever else is asked of the same target would fail in the same way.
    ends_all: t.ClassVar[bool] = False

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.details = details


class Refused(PlatformError):
    """Something was asked for that would harm; nothing has been changed."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input.

    :param key: where it stands, as the operator wrote it: ``east: kubernetes_version``.
    :param value: what stands there; never a secret.
    :param reason: what is wrong, and what is allowed.
    :param remedy: what to do about it.
    """

    key: str
    value: t.Any
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value!r}: {self.reason}. {self.remedy}."


class InvalidInput(Refused):
    """The declaration is wrong. Names every problem at once."""

    def __init__(self, problems: t.Sequence[Problem]) -> None:
        lines = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(
            f"{len(problems)} problem(s) in the declaration, nothing was changed:\n{lines}",
            problems=[vars(problem) for problem in problems],
        )
        self.problems = list(problems)
