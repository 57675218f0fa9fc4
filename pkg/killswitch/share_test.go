package killswitch_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"aws-hit-breaks/pkg/killswitch"
)

// What is equal in the items of a snapshot is one in memory, whether it was read or came from a service.
func TestEqualItemsShare(t *testing.T) {
	const text = `{"resource":{"ref":{"account":"1","region":"eu-west-1","kind":"ec2:instance","id":"i-1"},"type":"m5.large","tags":{"env":"prod"},` +
		`"uses":[{"product":"AmazonEC2/eu-west-1/instanceType=m5.large","quantity":1}]},"order":1,"original":{"schema":1,"data":null},` +
		`"state":{"phase":"paused","order":1,"step":"stop-instances","left":{"State":"stopped"},"wait":{"for":"to stop-instances","since":"0001-01-01T00:00:00Z","deadline":"0001-01-01T00:00:00Z"}}}`
	var read [2]killswitch.Item
	for i := range read {
		if err := json.Unmarshal([]byte(text), &read[i]); err != nil {
			t.Fatal(err)
		}
		read[i].Share()
	}
	made := killswitch.Item{
		Resource: killswitch.Resource{Uses: killswitch.Sum(killswitch.Usage{
			Product:  killswitch.Product{Service: "AmazonEC2", Region: "eu-west-1", Attributes: map[string]string{"instanceType": "m5.large"}},
			Quantity: 1,
		})},
		State: killswitch.State{Left: killswitch.Fields{"State": "stopped"}.Shared()},
	}
	at := func(x any) uintptr { return reflect.ValueOf(x).Pointer() }
	begins := func(s string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(s))) }
	for what, of := range map[string]func(killswitch.Item) uintptr{
		"what is left": func(it killswitch.Item) uintptr { return at(it.State.Left) },
		"uses":         func(it killswitch.Item) uintptr { return at(it.Resource.Uses) },
	} {
		for name, other := range map[string]killswitch.Item{"read": read[1], "made": made} {
			if of(read[0]) != of(other) {
				t.Errorf("%s of two equal items, the other %s, are two", what, name)
			}
		}
	}
	for what, of := range map[string]func(killswitch.Item) string{
		"the region":     func(it killswitch.Item) string { return it.Resource.Ref.Region },
		"the type":       func(it killswitch.Item) string { return it.Resource.Type },
		"a tag":          func(it killswitch.Item) string { return it.Resource.Tags["env"] },
		"the step":       func(it killswitch.Item) string { return it.State.Step },
		"what it awaits": func(it killswitch.Item) string { return it.State.Wait.For },
	} {
		if begins(of(read[0])) != begins(of(read[1])) {
			t.Errorf("%s of two equal items are two", what)
		}
	}
	if diff := cmp.Diff(read[0], read[1]); diff != "" {
		t.Error(diff)
	}
	again, err := json.Marshal(read[0])
	if err != nil || string(again) != text {
		t.Errorf("read was\n%s\nand is written as\n%s, %v", text, again, err)
	}
}

// What cannot be read is not what was read before it.
func TestWhatIsSharedIsReadStrictly(t *testing.T) {
	for name, tt := range map[string]struct{ to, text, wrong string }{
		"a usage with a field that nobody knows": {"uses", `[{"product":"A/b/","quantity":1,"kind":true}]`, "unknown field"},
		"uses that are no list":                  {"uses", `{}`, "cannot unmarshal"},
		"a field that is no text":                {"fields", `{"State":1}`, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			switch tt.to {
			case "uses":
				var u killswitch.Uses
				err = json.Unmarshal([]byte(tt.text), &u)
			case "fields":
				var f killswitch.Fields
				err = json.Unmarshal([]byte(tt.text), &f)
			}
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("got %v, want an error with %q", err, tt.wrong)
			}
		})
	}
}
