package services

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
)

// What a person types to put a resource back without the brake: commands of the AWS CLI, each the words
// after "aws" (https://docs.aws.amazon.com/cli/latest/reference/). Where the original cannot be read,
// what only that knows stands as a question, in <>, and is never guessed at.

func instanceByHand(ref killswitch.Ref, _ *killswitch.Original, _ []killswitch.Part) [][]string {
	return [][]string{{"ec2", "start-instances", "--region", ref.Region, "--instance-ids", ref.ID}}
}

func dbInstanceByHand(ref killswitch.Ref, _ *killswitch.Original, _ []killswitch.Part) [][]string {
	return [][]string{{"rds", "start-db-instance", "--region", ref.Region, "--db-instance-identifier", ref.ID}}
}

func dbClusterByHand(ref killswitch.Ref, _ *killswitch.Original, _ []killswitch.Part) [][]string {
	return [][]string{{"rds", "start-db-cluster", "--region", ref.Region, "--db-cluster-identifier", ref.ID}}
}

func ecsServiceByHand(ref killswitch.Ref, original *killswitch.Original, _ []killswitch.Part) [][]string {
	cluster, name, _ := strings.Cut(ref.ID, "/")
	update := func(desired string) []string {
		return []string{"ecs", "update-service", "--region", ref.Region, "--cluster", cluster, "--service", name, "--desired-count", desired}
	}
	target := func(verb, ids string, more ...string) []string {
		return append([]string{
			"application-autoscaling", verb, "--region", ref.Region, "--service-namespace", "ecs", ids, "service/" + ref.ID,
		}, more...)
	}
	o, known := legible[ecsOriginal](ecsServiceSchema, original)
	if !known {
		return [][]string{
			update("<how many there were>"),
			target("describe-scalable-targets", "--resource-ids"),
		}
	}
	commands := [][]string{update(strconv.Itoa(int(o.Desired)))}
	if t := o.Target; t != nil {
		commands = append(commands, target("register-scalable-target", "--resource-id",
			"--scalable-dimension", "ecs:service:DesiredCount",
			"--min-capacity", strconv.Itoa(int(t.Min)), "--max-capacity", strconv.Itoa(int(t.Max)),
			"--suspended-state", fmt.Sprintf("%s=%t,%s=%t,%s=%t",
				fieldInSuspended, t.InSuspended, fieldOutSuspended, t.OutSuspended, fieldPlanSuspended, t.PlanSuspended)))
	}
	return commands
}

func groupByHand(ref killswitch.Ref, original *killswitch.Original, parts []killswitch.Part) [][]string {
	group := func(verb string, more ...string) []string {
		return append([]string{"autoscaling", verb, "--region", ref.Region, "--auto-scaling-group-name", ref.ID}, more...)
	}
	sizes := func(least, most, desired string) []string {
		return group("update-auto-scaling-group", "--min-size", least, "--max-size", most, "--desired-capacity", desired)
	}
	members := func(ids ...string) [][]string {
		return [][]string{
			append([]string{"ec2", "start-instances", "--region", ref.Region, "--instance-ids"}, ids...),
			append([]string{"ec2", "wait", "instance-status-ok", "--region", ref.Region, "--instance-ids"}, ids...),
		}
	}
	o, known := legible[groupOriginal](groupSchema, original)
	if !known {
		commands := [][]string{{"autoscaling", "describe-auto-scaling-groups", "--region", ref.Region, "--auto-scaling-group-names", ref.ID}}
		commands = append(commands, members("<its members that are stopped>")...)
		return append(commands, sizes("<what it was>", "<what it was>", "<how many there were>"),
			group("resume-processes", "--scaling-processes", "<those that were not suspended before>"))
	}
	var commands [][]string
	if o.Strategy == byScaling {
		commands = append(commands, sizes(strconv.Itoa(int(o.Min)), strconv.Itoa(int(o.Max)), strconv.Itoa(int(o.Desired))))
	} else if recorded, err := recorded(parts); err != nil || len(recorded) == 0 {
		commands = members("<its members that are stopped>")
	} else {
		var ids []string
		for _, m := range recorded {
			ids = append(ids, m.ID)
		}
		slices.Sort(ids)
		commands = members(ids...)
	}
	if own := without(processes, o.Suspended); len(own) > 0 {
		commands = append(commands, group("resume-processes", append([]string{"--scaling-processes"}, own...)...))
	}
	return commands
}

// legible is the original, where it can be read.
func legible[T any](schema int, original *killswitch.Original) (o T, known bool) {
	if original == nil {
		return o, false
	}
	o, err := decode[T](schema, *original)
	return o, err == nil
}
