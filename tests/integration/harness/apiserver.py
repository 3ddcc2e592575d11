# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One API server with its etcd, its own CA, RBAC, ServiceAccount tokens and an audit log.

With controllers it is a cluster without nodes, which stands for a hosted control plane.
"""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import socket
import subprocess
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.lodestar.platform.plugins.module_utils.kube.client import Client
from ansible_collections.lodestar.platform.plugins.module_utils.kube.connection import Connection
from ansible_collections.lodestar.platform.plugins.module_utils.kube.errors import ApiError

from . import pki

_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - level: Metadata
"""
#: The identity that tests use: it may do everything, but it is not in system:masters.
RUNNER = ("lodestar-test", "runner")


@dataclass(frozen=True)
class Request:
    """A request as the server saw it."""

    verb: str
    uri: str
    user: str
    agent: str
    code: int
    target: t.Mapping[str, str]

    @property
    def rights(self) -> set[tuple[str, str, str, str]]:
        """What it took, as (verb, API group, resource with subresource, namespace); nothing for what is no resource."""
        if not self.target:
            return set()
        names = [self.target["resource"], self.target.get("subresource", "")]
        what = (self.target.get("apiGroup", ""), "/".join(filter(None, names)), self.target.get("namespace", ""))
        # Server-side apply of what is not there yet is allowed to whoever may create it, too.
        verbs = {self.verb, "create"} if (self.verb, self.code) == ("patch", 201) else {self.verb}
        return {(verb, *what) for verb in verbs}

    @property
    def writes(self) -> bool:
        """True when it may have stored something: no read, dry-run or review."""
        reading = self.verb in ("get", "list", "watch") or "dryRun=All" in self.uri
        return not reading and "reviews" not in self.uri


class AuditLog:
    """What the server wrote about the requests of one user."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> int:
        """Where the log ends now."""
        return self._path.stat().st_size

    def since(self, mark: int, user: str = "system:serviceaccount:" + ":".join(RUNNER)) -> list[Request]:
        """The requests of a user after a mark."""
        with self._path.open("rb") as stream:
            stream.seek(mark)
            events = [json.loads(line) for line in stream]
        return [
            Request(
                event["verb"],
                event["requestURI"],
                event["user"].get("username", ""),
                event.get("userAgent", ""),
                event.get("responseStatus", {}).get("code", 0),
                event.get("objectRef") or {},
            )
            for event in events
            if event["user"].get("username") == user
        ]


class ApiServer:
    """Started by entering it, stopped by leaving it.

    :param controllers: those of kube-controller-manager that run; it is not started when there are none.
    """

    def __init__(
        self, folder: Path, programs: t.Mapping[str, Path], *arguments: str, controllers: t.Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.authority = pki.Authority()
        self.audit = AuditLog(folder / "audit.log")
        self._programs = programs
        self._arguments = arguments
        self._controllers = controllers
        self._running: list[subprocess.Popen[bytes]] = []
        self._commands: list[tuple[str, tuple[str, ...]]] = []
        self._connections: dict[str, Connection] = {}
        self.port = 0

    def __enter__(self) -> ApiServer:
        try:
            etcd = self._start_etcd()
            self._start_server(etcd)
            self._connections["runner"] = self._make_runner()
            if self._controllers:
                self._start_controllers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        # Asked to end, an API server takes ten seconds, and nothing of it is looked at any more.
        self.kill()

    @contextlib.contextmanager
    def frozen(self) -> t.Iterator[None]:
        """The server takes connections and answers nothing meanwhile."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def freeze(self) -> None:
        """From now on the server takes connections and answers nothing."""
        for process in self._running:
            process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        for process in self._running:
            process.send_signal(signal.SIGCONT)

    @property
    def alive(self) -> bool:
        """All of it runs, if only frozen."""
        return all(process.poll() is None for process in self._running)

    def kill(self) -> None:
        """Ends all of it as a power cut does."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()

    def revive(self) -> None:
        """Starts what was killed again, on its data and its port."""
        commands, self._commands = self._commands, []
        self._running = []
        for name, arguments in commands:
            process = self._start(name, *arguments)
            if name == "kube-apiserver":
                self._await_ready(process)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def admin(self) -> Connection:
        """A client certificate in system:masters."""
        pair = self.authority.client("kubernetes-admin", "system:masters")
        return Connection(
            self.url,
            ca_data=self.authority.pair.certificate,
            client_certificate=pair.certificate,
            client_key=pair.key,
        )

    @property
    def runner(self) -> Connection:
        """A ServiceAccount token with cluster-admin, not in system:masters."""
        return self._connections["runner"]

    def kubeconfig(self, connection: Connection | None = None) -> dict[str, t.Any]:
        """A kubeconfig with a token."""
        chosen = connection or self.runner
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [
                {"name": "test", "cluster": {"server": chosen.server, "certificate-authority-data": chosen.ca_data}}
            ],
            "users": [{"name": "test", "user": {"token": chosen.token}}],
        }

    def _start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            [name, *arguments], executable=str(self._programs[name]), stdout=log, stderr=log, cwd=self.folder
        )
        log.close()
        self._running.append(process)
        self._commands.append((name, arguments))
        return process

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _index in range(2))
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        return client

    def _start_server(self, etcd: str) -> None:
        ca, _key = self.authority.pair.write(self.folder, "ca")
        certificate, key = self.authority.serving("kubernetes.default.svc").write(self.folder, "server")
        public, private = pki.signing_key().write(self.folder, "tokens")
        (self.folder / "audit.yaml").write_text(_AUDIT_POLICY)
        self.port = free_port()
        process = self._start(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={ca}",
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={public}",
            f"--service-account-signing-key-file={private}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            # No controller manager makes the default ServiceAccounts that this plugin demands.
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.folder / 'audit.yaml'}",
            f"--audit-log-path={self.folder / 'audit.log'}",
            "--audit-log-mode=blocking",
            *self._arguments,
        )
        self._await_ready(process)

    def _start_controllers(self) -> None:
        config = self.kubeconfig(self.admin)
        pair = self.authority.client("kubernetes-admin", "system:masters")
        entry = config["clusters"][0]["cluster"]
        entry["certificate-authority-data"] = base64.b64encode(entry["certificate-authority-data"].encode()).decode()
        config["users"][0]["user"] = {
            "client-certificate-data": base64.b64encode(pair.certificate.encode()).decode(),
            "client-key-data": base64.b64encode(pair.key.encode()).decode(),
        }
        path = self.folder / "controllers.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={path}",
            f"--controllers={','.join(self._controllers)}",
            "--leader-elect=false",
            f"--secure-port={free_port()}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder}",
        )

    def _await_ready(self, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        with Client(self.admin, deadline=2.0) as client:
            while True:
                if process.poll() is not None or time.monotonic() > until:
                    tail = (self.folder / "kube-apiserver.log").read_text(errors="replace")[-3000:]
                    raise RuntimeError(f"kube-apiserver did not become ready:\n{tail}")
                try:
                    client.request("GET", "/readyz")
                    client.request("GET", "/api/v1/namespaces/kube-system")
                    return
                except ApiError:
                    time.sleep(0.2)

    def _make_runner(self) -> Connection:
        namespace, name = RUNNER
        with Client(self.admin) as client:
            client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            client.create(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
            )
            client.create(
                {
                    "apiVersion": "rbac.authorization.k8s.io/v1",
                    "kind": "ClusterRoleBinding",
                    "metadata": {"name": "test-runner"},
                    "roleRef": {
                        "apiGroup": "rbac.authorization.k8s.io",
                        "kind": "ClusterRole",
                        "name": "cluster-admin",
                    },
                    "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
                }
            )
            token = client.create_token(namespace, name, 86400)["token"]
        return Connection(self.url, ca_data=self.authority.pair.certificate, token=token)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
