package services

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"aws-hit-breaks/pkg/killswitch"
)

// tasksUse is what tasks consume while they run. On instances they cost nothing of their own: their
// hosts do.
func tasksUse(region string, tasks []ecstypes.Task) []killswitch.Usage {
	var all []killswitch.Usage
	for _, task := range tasks {
		if task.LaunchType == ecstypes.LaunchTypeFargate {
			all = append(all, fargateUses(region, task)...)
		}
	}
	return killswitch.Sum(all...)
}

// freeDisk is how much of its disk a task has for nothing, in gigabytes
// (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html).
const freeDisk = 20

// fargateUses is what one task on Fargate consumes: vCPUs and gigabytes of its size, by architecture
// and system (https://aws.amazon.com/fargate/pricing/).
func fargateUses(region string, task ecstypes.Task) []killswitch.Usage {
	of := func(quantity float64, usage string) killswitch.Usage {
		attributes := map[string]string{priceFamily: "Compute", priceUsage: "Fargate-" + usage}
		if aws.ToString(task.CapacityProviderName) == "FARGATE_SPOT" {
			attributes["marketoption"] = "Spot"
		}
		return uses(quantity, priceECS, region, attributes)
	}
	cpu, err := strconv.ParseFloat(aws.ToString(task.Cpu), 64)
	memory, err2 := strconv.ParseFloat(aws.ToString(task.Memory), 64)
	if err != nil || err2 != nil {
		unknown := of(0, "vCPU-Hours:perCPU")
		unknown.Why = "ECS does not tell the size of its tasks"
		return []killswitch.Usage{unknown}
	}
	var all []killswitch.Usage
	switch system := strings.ToUpper(aws.ToString(task.PlatformFamily)); {
	case strings.HasPrefix(system, "WINDOWS"):
		all = append(all, of(cpu/1024, "Windows-vCPU-Hours:perCPU"), of(cpu/1024, "Windows-OS-Hours:perCPU"), of(memory/1024, "Windows-GB-Hours"))
	case architecture(task) == "arm64":
		all = append(all, of(cpu/1024, "ARM-vCPU-Hours:perCPU"), of(memory/1024, "ARM-GB-Hours"))
	default:
		all = append(all, of(cpu/1024, "vCPU-Hours:perCPU"), of(memory/1024, "GB-Hours"))
	}
	if disk := task.EphemeralStorage; disk != nil && disk.SizeInGiB > freeDisk {
		all = append(all, of(float64(disk.SizeInGiB-freeDisk), "EphemeralStorage-GB-Hours"))
	}
	return all
}

// architecture is that of the processor a task runs on: x86_64 or arm64.
func architecture(task ecstypes.Task) string {
	for _, a := range task.Attributes {
		if aws.ToString(a.Name) == "ecs.cpu-architecture" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
