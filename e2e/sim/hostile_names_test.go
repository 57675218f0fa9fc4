package sim

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// The account names what it has "region kind id".

func parts(name string) (region, kind, id string) {
	p := strings.SplitN(name, " ", 3)
	return p[0], p[1], p[2]
}

func nameOf(ref killswitch.Ref) string { return ref.Region + " " + string(ref.Kind) + " " + ref.ID }

// resourceOf is a resource as a scope sees it.
func resourceOf(account, name string, fields map[string]string) killswitch.Resource {
	region, kind, id := parts(name)
	r := killswitch.Resource{
		Ref: killswitch.Ref{Account: account, Region: region, Kind: killswitch.Kind(kind), ID: id}, Tags: map[string]string{},
	}
	for field, value := range fields {
		for _, prefix := range []string{"Tags.", "tag:"} {
			if key, ok := strings.CutPrefix(field, prefix); ok {
				r.Tags[key] = value
			}
		}
	}
	return r
}

// families says what hangs together: what somebody does to one, AWS itself carries on to the others.
// It remembers what has ever belonged together.
type families map[string]string // name → name of the family

var hostTag = regexp.MustCompile(`^host-(\d+)$`)

// learn takes in what belongs together in a state of the account.
func (f families) learn(state awssim.State) {
	for _, name := range slices.Sorted(maps.Keys(state)) {
		region, kind, id := parts(name)
		fields := state[name]
		switch kind {
		case "autoscaling:group":
			for field := range fields {
				if member, ok := strings.CutPrefix(field, "Instances."); ok {
					f[region+" ec2:instance "+member] = name
				}
			}
		case "rds:cluster":
			for _, member := range strings.Fields(fields["Members"]) {
				f[region+" rds:instance "+member] = name
			}
		case "ec2:instance":
			if group := fields["Tags.aws:autoscaling:groupName"]; group != "" {
				f[name] = region + " autoscaling:group " + group
			}
			if host := hostTag.FindStringSubmatch(fields["Tags.Name"]); host != nil {
				f[name] = region + " hosts instance-" + host[1]
			}
		case "ec2:spot-request":
			f[name] = region + " ec2:instance " + fields["InstanceId"]
		case "application-autoscaling:target":
			f[name] = region + " ecs:service " + strings.TrimPrefix(id, "service/")
		case "ecs:service":
			if cluster, _, _ := strings.Cut(id, "/"); strings.HasPrefix(cluster, "hosts-") || strings.HasPrefix(cluster, "instance-") {
				f[name] = region + " hosts " + cluster
			}
		}
		if kind == "autoscaling:group" && strings.HasPrefix(id, "hosts-") {
			f[name] = region + " hosts " + id
		}
	}
}

// of is the family of a resource: itself, where it belongs to none.
func (f families) of(name string) string {
	for f[name] != "" {
		name = f[name]
	}
	return name
}

// guarded are the resources that a tag protects: their own, or that of something inside them now.
func guarded(state awssim.State, own map[string]bool) map[string]bool {
	all := maps.Clone(own)
	for name, fields := range state {
		region, kind, _ := parts(name)
		switch kind {
		case "autoscaling:group":
			for field, lifecycle := range fields {
				member, ok := strings.CutPrefix(field, "Instances.")
				if ok && !strings.HasPrefix(lifecycle, "Terminating") && own[region+" ec2:instance "+member] {
					all[name] = true
				}
			}
		case "rds:cluster":
			for _, member := range strings.Fields(fields["Members"]) {
				all[name] = all[name] || own[region+" rds:instance "+member]
			}
		}
	}
	maps.DeleteFunc(all, func(_ string, is bool) bool { return !is })
	return all
}

// runs says whether a resource truly costs money by the hour.
func runs(name string, fields map[string]string, state awssim.State) bool {
	region, kind, _ := parts(name)
	switch kind {
	case "ec2:instance":
		return fields["State"] == "running"
	case "rds:instance":
		return fields["Status"] == "available"
	case "rds:cluster":
		return fields["Status"] == "available" && fields["Members"] != ""
	case "ecs:service":
		return fields["Status"] == "ACTIVE" && fields["DesiredCount"] != "" && fields["DesiredCount"] != "0"
	case "autoscaling:group":
		for field := range fields {
			if member, ok := strings.CutPrefix(field, "Instances."); ok && state[region+" ec2:instance "+member]["State"] == "running" {
				return true
			}
		}
	}
	return false
}
