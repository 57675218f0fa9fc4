package sim

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/engine"
	"aws-hit-breaks/pkg/killswitch"
)

// Two instances: one that is given up, and one that is not.
var (
	lostRef   = killswitch.Ref{Account: "111122223333", Region: "eu-west-1", Kind: killswitch.EC2Instance, ID: "i-0lost"}
	keptRef   = killswitch.Ref{Account: "111122223333", Region: "eu-west-1", Kind: killswitch.EC2Instance, ID: "i-0kept"}
	lostScope = killswitch.Scope{IDs: []string{lostRef.ID}}
)

func twoInstances() options {
	return options{seed: 3, regions: []string{"eu-west-1", "us-east-1"}, build: func(a *awssim.Account) {
		a.AddInstance("eu-west-1", awssim.Instance{ID: lostRef.ID})
		a.AddInstance("eu-west-1", awssim.Instance{ID: keptRef.ID})
	}}
}

// start starts an instance as a person does.
func (w *world) personStarts(ref killswitch.Ref) {
	w.t.Helper()
	config := w.start("person").Config()
	config.Region = ref.Region
	if _, err := ec2.NewFromConfig(config).StartInstances(context.Background(), &ec2.StartInstancesInput{InstanceIds: []string{ref.ID}}); err != nil {
		w.t.Fatalf("start %s: %v", ref, err)
	}
	time.Sleep(10 * time.Minute)
}

// wantGivenUp fails unless the item is given up and its original still there, and nothing was called.
func (w *world) wantGivenUp(calls int) {
	w.t.Helper()
	it := w.items()[lostRef]
	if it.State.Phase != killswitch.GivenUp || len(it.Original.Data) == 0 {
		w.t.Errorf("the item is %s (%s) with an original of %d bytes, want given-up and an original", it.State.Phase, it.State.Reason, len(it.Original.Data))
	}
	for _, c := range w.mutations(calls) {
		w.t.Errorf("giving up changed something: %s", c)
	}
}

func TestGivenUp(t *testing.T) {
	for name, test := range map[string]func(w *world, before awssim.State){
		"what is given up stays as it is, and the snapshot closes when the rest is back": func(w *world, before awssim.State) {
			w.pause()
			calls := len(w.account.Trace())
			if w.order(killswitch.GiveUp, lostScope, false).Live == nil {
				w.t.Errorf("the snapshot was closed, and %s is still paused", keptRef)
			}
			w.wantGivenUp(calls)
			w.resume()
			if w.guard(time.Hour).Live != nil {
				w.t.Errorf("the snapshot is still live")
			}
			w.wantSound()
			w.wantGivenUp(len(w.account.Trace()))
			if changed := w.changed(before); len(changed) != 1 || changed[0] != "eu-west-1 ec2:instance i-0lost" {
				w.t.Errorf("not as before are %q, want only the one that was given up", changed)
			}
		},
		"a later pause of it makes a new original": func(w *world, before awssim.State) {
			w.pause()
			w.order(killswitch.GiveUp, lostScope, false)
			w.personStarts(lostRef)
			w.pause()
			w.wantPhase(lostRef, killswitch.Paused)
			if it := w.items()[lostRef]; it.Order != 3 {
				w.t.Errorf("its original is of order %d, want 3", it.Order)
			}
			w.resume()
			w.wantRestored(before)
		},
		"what is not in the scope is not given up": func(w *world, before awssim.State) {
			w.pause()
			w.order(killswitch.GiveUp, killswitch.Scope{IDs: []string{"i-0other"}}, false)
			w.wantPhase(lostRef, killswitch.Paused)
			w.resume()
			w.wantRestored(before)
		},
		"what is given up while a run works on it is let go by that run": func(w *world, _ awssim.State) {
			w.pause()
			p, ended := w.start("resume"), make(chan error)
			if _, err := p.engine.Order(context.Background(), engine.Request{Act: killswitch.Resume, Actor: "operator", At: time.Now()}); err != nil {
				w.t.Fatalf("order: %v", err)
			}
			go func() {
				_, err := p.engine.Reconcile(context.Background(), engine.Attention{Stay: true})
				ended <- err
			}()
			time.Sleep(2 * time.Second)
			w.order(killswitch.GiveUp, lostScope, false)
			if err := <-ended; err != nil {
				w.t.Fatalf("resume: %v", err)
			}
			w.guard(time.Hour)
			w.wantGivenUp(len(w.account.Trace()))
			w.wantPhase(keptRef, killswitch.Resumed)
			w.wantSound()
		},
		"what cannot be read keeps the snapshot open until it is given up": func(w *world, _ awssim.State) {
			w.pause()
			w.loseItems("ORIGINAL")
			w.resume()
			if w.guard(time.Hour).Live == nil {
				w.t.Fatalf("the snapshot was closed although an original is lost")
			}
			w.order(killswitch.GiveUp, lostScope, false)
			if w.guard(time.Hour).Live != nil {
				w.t.Errorf("the snapshot is still live")
			}
			w.wantPhase(keptRef, killswitch.Resumed)
		},
		"what is lost without a name is given up with its kind": func(w *world, _ awssim.State) {
			w.pause()
			w.loseItems("ORIGINAL", "STATE")
			w.resume()
			w.order(killswitch.GiveUp, lostScope, false)
			if w.guard(time.Hour).Live == nil {
				w.t.Fatalf("the snapshot was closed although nobody has given up what is lost")
			}
			w.order(killswitch.GiveUp, killswitch.Scope{Regions: []string{"eu-west-1"}, Services: []string{"ec2:instance"}}, false)
			if w.guard(time.Hour).Live != nil {
				w.t.Errorf("the snapshot is still live")
			}
		},
		"a pause after that is not forgotten with it": func(w *world, _ awssim.State) {
			w.pause()
			w.order(killswitch.GiveUp, lostScope, false)
			w.personStarts(lostRef)
			w.pause()
			w.loseItems("ORIGINAL")
			w.resume()
			if w.guard(time.Hour).Live == nil {
				w.t.Errorf("the snapshot was closed although the original of a pause after it was given up is lost")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, twoInstances(), func(w *world) { test(w, w.account.State()) })
		})
	}
}

// loseItems removes the newest items of these classes of the instance from the table.
func (w *world) loseItems(classes ...string) {
	w.t.Helper()
	v := w.vandal()
	for _, class := range classes {
		var newest attributes
		for _, item := range v.stored() {
			if item.class() == class && item.id() == lostRef.ID {
				newest = item
			}
		}
		if newest == nil {
			w.t.Fatalf("there is no %s of %s", class, lostRef)
		}
		v.remove(newest)
	}
}

// A service does not wait for hosts that were given up, but for tasks, as without any; nor do its hosts wait
// for a service: whoever gave one up has decided that it stays as it is.
func TestNobodyWaitsForWhatWasGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		lost       string // the damaged item
		ref, waits killswitch.Ref
		phase      killswitch.Phase // of what waits, after that
		words      string
	}{
		"the hosts of a service": {"ORIGINAL#autoscaling:group", theGroup, theService, killswitch.Failed, "0 of 2 tasks run"},
		"a service on hosts":     {"ORIGINAL#ecs:service#" + theService.ID, theService, theGroup, killswitch.Resumed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inHosted(t, 7, hosted, nil, func(w *world) {
				w.pause()
				v := w.vandal()
				for _, item := range v.stored() {
					if strings.Contains(item.key(), test.lost) {
						v.put(item.with(attributes{"V": nil}))
					}
				}
				w.resume()
				w.guard(idleHosts)
				w.wantPhase(test.waits, killswitch.Failed)
				w.order(killswitch.GiveUp, killswitch.Scope{IDs: []string{test.ref.ID}}, false)
				w.guard(idleHosts)
				w.wantPhase(test.waits, test.phase, test.words)
			})
		})
	}
}
