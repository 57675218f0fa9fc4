package awssim

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// State is every resource of the account, named "region kind id", with every field that a stop and
// start may change and what identifies the resource besides.
type State map[string]map[string]string

// Difference is one field that two states disagree about. Before or After is "" where the resource
// or the field was not there.
type Difference struct {
	Resource string // "region kind id"
	Field    string
	Before   string
	After    string
	Source   string // of what AWS changed: the page that says so
}

// State is the account as it truly is, whatever reads show.
func (a *Account) State() State {
	all := State{}
	a.look(func(time.Time) {
		for _, r := range a.regions {
			r.ec2.describe(r.name, all)
			r.asg.describe(r.name, all)
			r.rds.describe(r.name, all)
			r.ecs.describe(r.name, all)
			r.aas.describe(r.name, all)
		}
	})
	return all
}

func resourceName(region, kind, id string) string { return region + " " + kind + " " + id }

// kindOf is the kind in a resource's name.
func kindOf(resource string) string {
	_, rest, _ := strings.Cut(resource, " ")
	kind, _, _ := strings.Cut(rest, " ")
	return kind
}

// changedByAWS are the fields that AWS itself changes at any stop and start, and the page that says
// so. It is kept apart from what the services of the brake declare: the fake shares nothing with
// what it checks.
var changedByAWS = map[string]map[string]string{
	"ec2:instance": {
		"LaunchTime":            "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html",
		"PublicIpAddress":       "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html",
		"PublicDnsName":         "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html",
		"StateReason":           "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html",
		"StateTransitionReason": "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html",
	},
	"ec2:spot-request": {
		"Status.UpdateTime": "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instances-request-status-lifecycle.html",
	},
	"rds:instance": rdsByAWS,
	"rds:cluster":  rdsByAWS,
	"ecs:service":  ecsByAWS,
}

// Compare tells two states apart, field by field, in the order of resource and field: what must not
// differ after a pause and a resume, and what AWS itself changes at any stop and start.
func Compare(before, after State) (different, byAWS []Difference) {
	resources := maps.Clone(before)
	maps.Copy(resources, after)
	for _, resource := range slices.Sorted(maps.Keys(resources)) {
		was, is := before[resource], after[resource]
		if was == nil || is == nil {
			different = append(different, Difference{Resource: resource, Field: "exists", Before: existence(was), After: existence(is)})
			continue
		}
		fields := maps.Clone(was)
		maps.Copy(fields, is)
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			if was[field] == is[field] {
				continue
			}
			d := Difference{resource, field, was[field], is[field], changedByAWS[kindOf(resource)][field]}
			if d.Source != "" {
				byAWS = append(byAWS, d)
			} else {
				different = append(different, d)
			}
		}
	}
	return different, byAWS
}

func existence(fields map[string]string) string {
	if fields == nil {
		return ""
	}
	return cmp.Or(fields["State"], "yes")
}
