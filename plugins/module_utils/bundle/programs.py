# Copyright (c) 2026, The lodestar.platform authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go programs of our own, as source: mains that join other people's packages, and two tiny images.

They are strings because a module that Ansible sends to a host brings Python files only. Private to the collection.
"""

from __future__ import annotations

import re


def _go(text: str) -> str:
    """Go source with the tabs that Python source may not have."""
    return re.sub(r"^(?: {4})+", lambda indent: "\t" * (len(indent.group()) // 4), text, flags=re.MULTILINE)


#: One binary that is every Kubernetes program, chosen by the name it is called by.
HYPERKUBE = _go("""\
package main

import (
    "context"
    "fmt"
    "os"
    "path/filepath"

    "k8s.io/component-base/cli"
    _ "k8s.io/component-base/logs/json/register"
    _ "k8s.io/component-base/metrics/prometheus/clientgo"
    _ "k8s.io/component-base/metrics/prometheus/version"
    kubectl "k8s.io/kubectl/pkg/cmd"
    apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
    controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
    proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
    scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
    kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
    kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
    switch name := filepath.Base(os.Args[0]); name {
    case "kube-apiserver":
        os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
    case "kube-controller-manager":
        os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
    case "kube-scheduler":
        os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
    case "kube-proxy":
        os.Exit(cli.Run(proxy.NewProxyCommand()))
    case "kubelet":
        os.Exit(cli.Run(kubelet.NewKubeletCommand(context.Background())))
    case "kubeadm":
        if err := kubeadm.Run(); err != nil {
            os.Exit(1)
        }
    case "kubectl":
        os.Exit(cli.Run(kubectl.NewDefaultKubectlCommand()))
    default:
        fmt.Fprintf(os.Stderr, "%s: not a Kubernetes program\\n", name)
        os.Exit(2)
    }
}
""")

#: etcd's server, or its client when it is called etcdctl: their own modules cannot be built in place.
ETCD = _go("""\
package main

import (
    "os"
    "path/filepath"

    "go.etcd.io/etcd/etcdctl/v3/ctlv3"
    "go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
    if filepath.Base(os.Args[0]) == "etcdctl" {
        ctlv3.MustStart()
        return
    }
    etcdmain.Main(os.Args)
}
""")

#: Compresses standard input to standard output, the same bytes for the same input.
ZSTD = _go("""\
package main

import (
    "fmt"
    "io"
    "os"

    "github.com/klauspost/compress/zstd"
)

func run() error {
    encoder, err := zstd.NewWriter(os.Stdout, zstd.WithEncoderConcurrency(1))
    if err != nil {
        return err
    }
    if _, err := io.Copy(encoder, os.Stdin); err != nil {
        return err
    }
    return encoder.Close()
}

func main() {
    if err := run(); err != nil {
        fmt.Fprintln(os.Stderr, "zstd:", err)
        os.Exit(1)
    }
}
""")

#: The first process of a pod: holds its namespaces, reaps its orphans, ends on SIGINT or SIGTERM.
PAUSE = _go("""\
package main

import (
    "fmt"
    "os"
    "os/signal"
    "syscall"
)

func reap() {
    for {
        pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
        if err == syscall.EINTR {
            continue
        }
        if err != nil || pid <= 0 {
            return
        }
    }
}

func main() {
    if len(os.Args) > 1 && os.Args[1] == "-v" {
        fmt.Println("pause of lodestar.platform")
        return
    }
    signals := make(chan os.Signal, 16)
    signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
    if os.Getpid() != 1 {
        fmt.Fprintln(os.Stderr, "pause: warning: not the first process, so orphans are not reaped here")
    }
    reap()
    for received := range signals {
        if received == syscall.SIGCHLD {
            reap()
            continue
        }
        os.Exit(0)
    }
}
""")

#: What tests run in pods: sleeps, serves, and asks. Exit 0 means that the question was answered, 1 that it was not.
PROBE = _go("""\
package main

import (
    "context"
    "crypto/tls"
    "fmt"
    "io"
    "net"
    "net/http"
    "os"
    "os/signal"
    "sort"
    "strings"
    "syscall"
    "time"
)

const usage = `usage:
probe sleep [SECONDS]
probe serve PORT             HTTP: answers with the name of its host
probe get URL [SECONDS]      prints the body, fails unless the status is 2xx; TLS is not verified
probe dial HOST:PORT [SECONDS]
probe resolve NAME [SECONDS]
`

func fail(code int, format string, values ...any) {
    fmt.Fprintf(os.Stderr, format+"\\n", values...)
    os.Exit(code)
}

func argument(index int) string {
    if len(os.Args) <= index {
        fail(2, "%s", usage)
    }
    return os.Args[index]
}

func seconds(index int, otherwise time.Duration) time.Duration {
    if len(os.Args) <= index {
        return otherwise
    }
    value, err := time.ParseDuration(os.Args[index] + "s")
    if err != nil {
        fail(2, "not a number of seconds: %s", os.Args[index])
    }
    return value
}

func sleep(end <-chan time.Time) {
    signals := make(chan os.Signal, 1)
    signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
    select {
    case <-signals:
    case <-end:
    }
}

func serve(port string) {
    name, _ := os.Hostname()
    go func() { sleep(nil); os.Exit(0) }()
    fail(1, "%v", http.ListenAndServe(":"+port, http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
        fmt.Fprintln(writer, name)
    })))
}

func get(url string) {
    client := http.Client{
        Timeout:   seconds(3, 5*time.Second),
        Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
    }
    answer, err := client.Get(url)
    if err != nil {
        fail(1, "%v", err)
    }
    defer answer.Body.Close()
    if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
        fail(1, "%v", err)
    }
    if answer.StatusCode/100 != 2 {
        fail(1, "%s", answer.Status)
    }
}

func main() {
    switch argument(1) {
    case "sleep":
        var end <-chan time.Time
        if len(os.Args) > 2 {
            end = time.After(seconds(2, 0))
        }
        sleep(end)
    case "serve":
        serve(argument(2))
    case "get":
        get(argument(2))
    case "dial":
        connection, err := net.DialTimeout("tcp", argument(2), seconds(3, 5*time.Second))
        if err != nil {
            fail(1, "%v", err)
        }
        connection.Close()
    case "resolve":
        limit, cancel := context.WithTimeout(context.Background(), seconds(3, 5*time.Second))
        defer cancel()
        addresses, err := net.DefaultResolver.LookupHost(limit, argument(2))
        if err != nil {
            fail(1, "%v", err)
        }
        sort.Strings(addresses)
        fmt.Println(strings.Join(addresses, "\\n"))
    default:
        fail(2, "%s", usage)
    }
}
""")
