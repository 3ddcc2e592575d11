# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How people sign on reaches a living cluster: with one restart, later with none, and never so that it locks out."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import typing as t
from pathlib import Path

import pytest

from tests.conftest import Bar
from tests.e2e.driver import eventually
from tests.faults.solo_fleet import Solo
from tests.faults.test_drift import names
from tests.faults.test_reconfigure import applied, changed, declared, steps
from tests.faults.test_shapes import gateway
from tests.integration.harness.issuer import Issuer

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

FILE = "/etc/kubernetes/lodestar/authentication.yaml"
STEP = f"file:{FILE}"
#: The argument comes or goes with the file, and those that join later get it, too.
ARGUMENT = {"static-pod:kube-apiserver", "configmap:kubeadm-config"}


def status(solo: Solo, token: str = "") -> int:
    """What the API server answers to a bearer who may do nothing: 403 to somebody, 401 to nobody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.closing(http.client.HTTPSConnection(solo.address("s1"), 6443, timeout=10, context=context)) as to:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        to.request("GET", "/api/v1/namespaces/default/pods", headers=headers)
        return to.getresponse().status


def by(*jwt: t.Any, **more: t.Any) -> dict[str, t.Any]:
    return {"cluster_authentication": {"jwt": list(jwt), **more}}


def test_people_sign_on_and_nobody_is_locked_out(standing: Solo, tmp_path: Path, bar: Bar) -> None:
    with Issuer(tmp_path, address=gateway(standing)) as issuer:
        first = declared(tmp_path, "first", **by(issuer.declared()))
        assert status(standing, issuer.token("anna")) == 401
        applied(standing, first, {STEP} | ARGUMENT, {"kube-apiserver"})
        assert standing.on("s1", f"stat -c %a {FILE}").strip() == "600"
        eventually(lambda: status(standing, issuer.token("anna")) == 403, 60, 1)
        assert status(standing, issuer.token("anna", "system:masters")) == 401

        rule = {"expression": "claims.sub != 'eve'", "message": "not eve"}
        second = declared(tmp_path, "second", **by(issuer.declared(claimValidationRules=[rule])))
        applied(standing, second, {STEP}, set())
        answers = [status(standing, issuer.token(name)) for name in ("anna", "eve")]
        assert answers == [403, 401]

        before = standing.snapshot()
        broken = {"expression": "claims.sub ==", "message": "m"}
        run = standing.site(*declared(tmp_path, "broken", **by(issuer.declared(claimValidationRules=[broken]))))
        assert run.code != 0
        assert run.steps() == []
        assert "solo: cluster_authentication" in run.output
        assert "Syntax error" in run.output
        assert standing.snapshot() == before

        # An issuer that does not answer is refused by the server itself, which goes on with what it had.
        processes = names(standing.processes("s1"))
        silent = issuer.declared()
        silent["issuer"] = {**silent["issuer"], "url": f"https://{gateway(standing)}:9"}
        run = standing.site(*declared(tmp_path, "silent", **by(issuer.declared(), silent)))
        assert run.code != 0
        assert "The file that was there before is back" in " ".join(run.output.split())
        assert changed(standing, processes) == set()
        assert status(standing, issuer.token("anna")) == 403

        closed = declared(tmp_path, "closed", **by(issuer.declared(), anonymous={"enabled": True, "conditions": []}))
        assert status(standing) == 403
        applied(standing, closed, {STEP}, {"kube-apiserver"})
        assert status(standing) == 401
    taken = standing.site().checked()
    assert steps(taken) == {STEP} | ARGUMENT
    assert standing.on("s1", f"test -e {FILE} && echo there", check=False).strip() == ""
    assert standing.site().checked().changed == 0
    bar("sign-on by an issuer: applied, changed without a restart, refused, put back, taken back", "as predicted")


def test_a_damaged_file_is_mended_although_the_api_is_down(standing: Solo, tmp_path: Path) -> None:
    with Issuer(tmp_path, address=gateway(standing)) as issuer:
        arguments = declared(tmp_path, "one", **by(issuer.declared()))
        standing.site(*arguments).checked()
        stop = "crictl stop --timeout 5 $(crictl ps -q --name '^kube-apiserver$')"
        standing.on("s1", f"echo nonsense > {FILE} && {stop}")
        eventually(lambda: standing.kubectl("solo", "get", "--raw", "/readyz", check=False).strip() != "ok", 60, 1)
        mended = standing.site(*arguments).checked()
        assert STEP in steps(mended)
        assert standing.kubectl("solo", "get", "--raw", "/readyz").strip() == "ok"
        assert standing.site(*arguments).checked().steps() == []
    standing.site().checked()
