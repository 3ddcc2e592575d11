// Copyright (c) 2026, The lodestar.platform authors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Runs OCM's own placement controller, as its module has it, over cases that are given as JSON lines on standard
// input, and answers each with a line: what the controller wrote, and how its scheduler came to it. Nothing of OCM's
// code is changed or repeated here; only the API server is a fake, and the clock stands still.
// With arguments it is that controller itself, for a real API server: controller --kubeconfig FILE ...
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"open-cluster-management.io/api/client/cluster/clientset/versioned/fake"
	informers "open-cluster-management.io/api/client/cluster/informers/externalversions"
	clusterv1 "open-cluster-management.io/api/cluster/v1"
	clusterv1alpha1 "open-cluster-management.io/api/cluster/v1alpha1"
	clusterv1beta1 "open-cluster-management.io/api/cluster/v1beta1"
	clusterv1beta2 "open-cluster-management.io/api/cluster/v1beta2"
	commonoptions "open-cluster-management.io/ocm/pkg/common/options"
	controllers "open-cluster-management.io/ocm/pkg/placement/controllers"
	"open-cluster-management.io/ocm/pkg/placement/controllers/framework"
	"open-cluster-management.io/ocm/pkg/placement/controllers/metrics"
	"open-cluster-management.io/ocm/pkg/placement/controllers/scheduling"
	"open-cluster-management.io/ocm/pkg/placement/plugins/addon"
	"open-cluster-management.io/ocm/pkg/placement/plugins/tainttoleration"
	"open-cluster-management.io/ocm/pkg/version"
)

// Case is what is on a hub when one Placement is decided.
type Case struct {
	Now       time.Time                                  `json:"now"`
	Placement *clusterv1beta1.Placement                  `json:"placement"`
	Clusters  []*clusterv1.ManagedCluster                `json:"clusters"`
	Sets      []*clusterv1beta2.ManagedClusterSet        `json:"sets"`
	Bindings  []*clusterv1beta2.ManagedClusterSetBinding `json:"bindings"`
	Scores    []*clusterv1alpha1.AddOnPlacementScore     `json:"scores"`
	Decisions []*clusterv1beta1.PlacementDecision        `json:"decisions"`
}

// Answer is what became of it.
type Answer struct {
	Error        string                             `json:"error,omitempty"`
	Decisions    []clusterv1beta1.PlacementDecision `json:"decisions"`
	Status       clusterv1beta1.PlacementStatus     `json:"status"`
	Filters      []scheduling.FilterResult          `json:"filters"`
	Prioritizers []scheduling.PrioritizerResult     `json:"prioritizers"`
	Scores       scheduling.PrioritizerScore        `json:"scores"`
	Ranked       []string                           `json:"ranked"`
	LookAgain    string                             `json:"lookAgain"`
}

// recorded hands on what OCM's scheduler decides, and keeps it.
type recorded struct {
	scheduling.Scheduler
	result scheduling.ScheduleResult
}

func (r *recorded) Schedule(ctx context.Context, placement *clusterv1beta1.Placement,
	clusters []*clusterv1.ManagedCluster) (scheduling.ScheduleResult, *framework.Status) {
	result, status := r.Scheduler.Schedule(ctx, placement, clusters)
	r.result = result
	return result, status
}

type silent struct{}

func (silent) Eventf(_, _ runtime.Object, _, _, _, _ string, _ ...interface{}) {}

func (silent) WithLogger(klog.Logger) events.EventRecorderLogger { return silent{} }

func main() {
	if len(os.Args) > 1 {
		control()
		return
	}
	klog.SetLogger(klog.Logger{})
	klog.LogToStderr(false)
	klog.SetOutput(devNull{})
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 1 {
			answer, failure := decide(line)
			if failure != nil {
				fmt.Fprintln(os.Stderr, failure)
				os.Exit(1)
			}
			text, _ := json.Marshal(answer)
			out.Write(append(text, '\n'))
		}
		if err != nil {
			return
		}
	}
}

// control runs the controller as OCM's own command does, without the rest of what that is built of.
func control() {
	options := commonoptions.NewOptions()
	config := options.NewControllerCommandConfig("placement", version.Get(), controllers.RunControllerManager,
		clock.RealClock{})
	command := config.NewCommandWithContext(context.Background())
	command.Use = "controller"
	options.AddFlags(command.Flags())
	root := &cobra.Command{Use: "placement"}
	root.AddCommand(command)
	if root.Execute() != nil {
		os.Exit(1)
	}
}

type devNull struct{}

func (devNull) Write(text []byte) (int, error) { return len(text), nil }

func decide(line []byte) (*Answer, error) {
	ctx := klog.NewContext(context.Background(), klog.Logger{})
	var given Case
	if err := json.Unmarshal(line, &given); err != nil {
		return nil, fmt.Errorf("the case cannot be read: %w", err)
	}
	var still clock.Clock = testingclock.NewFakeClock(given.Now)
	addon.AddOnClock, tainttoleration.TolerationClock = still, still

	objects := []runtime.Object{given.Placement}
	for _, item := range given.Decisions {
		objects = append(objects, item)
	}
	client := fake.NewSimpleClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	fill(factory, &given)
	measures := metrics.NewScheduleMetrics(clock.RealClock{})
	api := factory.Cluster()
	scheduler := &recorded{Scheduler: scheduling.NewPluginScheduler(scheduling.NewSchedulerHandler(
		client, api.V1beta1().PlacementDecisions().Lister(), api.V1alpha1().AddOnPlacementScores().Lister(),
		api.V1().ManagedClusters().Lister(), silent{}, measures))}
	controller := scheduling.NewSchedulingController(
		ctx, client, api.V1().ManagedClusters(), api.V1beta2().ManagedClusterSets(),
		api.V1beta2().ManagedClusterSetBindings(), api.V1beta1().Placements(), api.V1beta1().PlacementDecisions(),
		api.V1alpha1().AddOnPlacementScores(), scheduler, silent{}, measures)

	answer := &Answer{}
	key := given.Placement.Namespace + "/" + given.Placement.Name
	if err := controller.Sync(ctx, controller.SyncContext(), key); err != nil {
		answer.Error = err.Error()
	}
	controller.SyncContext().Queue().ShutDown()
	return answer, report(ctx, client, &given, scheduler.result, answer)
}

// fill puts the case where OCM's listers read; no informer runs, so nothing waits.
func fill(factory informers.SharedInformerFactory, given *Case) {
	api := factory.Cluster()
	api.V1beta1().Placements().Informer().GetStore().Add(given.Placement)
	for _, item := range given.Clusters {
		api.V1().ManagedClusters().Informer().GetStore().Add(item)
	}
	for _, item := range given.Sets {
		api.V1beta2().ManagedClusterSets().Informer().GetStore().Add(item)
	}
	for _, item := range given.Bindings {
		api.V1beta2().ManagedClusterSetBindings().Informer().GetStore().Add(item)
	}
	for _, item := range given.Scores {
		api.V1alpha1().AddOnPlacementScores().Informer().GetStore().Add(item)
	}
	for _, item := range given.Decisions {
		api.V1beta1().PlacementDecisions().Informer().GetStore().Add(item)
	}
}

func report(ctx context.Context, client *fake.Clientset, given *Case, result scheduling.ScheduleResult,
	answer *Answer) error {
	namespace := given.Placement.Namespace
	placement, err := client.ClusterV1beta1().Placements(namespace).Get(ctx, given.Placement.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	answer.Status = placement.Status
	all, err := client.ClusterV1beta1().PlacementDecisions(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: clusterv1beta1.PlacementLabel + "=" + given.Placement.Name})
	if err != nil {
		return err
	}
	answer.Decisions = all.Items
	if result == nil {
		return nil
	}
	answer.Filters = result.FilterResults()
	answer.Prioritizers = result.PrioritizerResults()
	sort.Slice(answer.Prioritizers, func(i, j int) bool {
		return answer.Prioritizers[i].Name < answer.Prioritizers[j].Name
	})
	answer.Scores = result.PrioritizerScores()
	for _, cluster := range result.Decisions() {
		answer.Ranked = append(answer.Ranked, cluster.Name)
	}
	if after := result.RequeueAfter(); after != nil {
		// OCM tells it from now on, by the real clock.
		answer.LookAgain = time.Now().Add(*after).Round(time.Second).UTC().Format("2006-01-02T15:04:05Z")
	}
	return nil
}
