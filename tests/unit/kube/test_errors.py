# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a server's refusal: its words, but for those that may repeat the value of a Secret."""

from __future__ import annotations

import pytest
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import from_response

TYPED = (
    "failed to create typed patch object (a/s; /v1, Kind=Secret): .data.pin: expected string, got "
    "&value.valueUnstructured{Value:918273640519}"
)
ENCODED = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 3'
FORBIDDEN = 'secrets "s" is forbidden: User "u" cannot patch resource "secrets"'


def told(status: int, message: str, what: str = "Secret a/s", *causes: dict[str, str]) -> str:
    body = {"kind": "Status", "message": message, "details": {"causes": list(causes)}}
    return str(from_response(status, body, "apply", what))


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (500, TYPED, ".data.pin: expected string"),
        (400, ENCODED, "illegal base64 data at input byte 3"),
        (400, "json: canary", "the server's words are not shown, since they may repeat a value"),
        (500, "canary", "the server's words are not shown, since they may repeat a value"),
        (403, FORBIDDEN, FORBIDDEN),
        (404, 'namespaces "a" not found', 'namespaces "a" not found'),
    ],
)
def test_no_value_of_a_secret_is_repeated(status: int, message: str, expected: str) -> None:
    assert told(status, message) == f"apply Secret a/s: {expected}"


def test_of_other_kinds_the_server_is_quoted() -> None:
    assert told(500, TYPED, "ConfigMap a/c") == f"apply ConfigMap a/c: {TYPED}"


def test_causes_of_a_secret_are_told_by_field_and_reason() -> None:
    cause = {"field": "data", "reason": "FieldValueForbidden", "message": "canary"}
    assert told(422, "canary", "Secret a/s", cause) == "apply Secret a/s: data: FieldValueForbidden"
