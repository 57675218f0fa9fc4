// Package services knows the kinds of resources that can be paused and put back: how each is
// listed, what has to be remembered of it, which steps bring it down and up again, and which rules
// of AWS decide that. All is the one list of them. The package imports the domain words, the
// settings, awserr and the SDK; never the engine, the stores or the simulated account.
//
// A service reads, decides and calls. It never sleeps, but for the moment in which looks that fall
// together become one call; it never repeats a call that AWS refused and keeps no state of its own
// but what AWS never changes: waiting, rates, attempts and memory are the engine's.
package services

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

// Env is where a service works: one region of one account, and what the owner has decided.
type Env struct {
	Config   aws.Config // with Region set
	Account  string
	Settings settings.Settings

	ec2 *ec2Reads // shared by the services of the region, like rds
	rds *rdsReads
}

// ec2Reads are those of the region, or of this service alone.
func (e Env) ec2Reads() *ec2Reads {
	if e.ec2 == nil {
		return newEC2Reads(e)
	}
	return e.ec2
}

// rdsReads are those of the region, or of this service alone.
func (e Env) rdsReads() *rdsReads {
	if e.rds == nil {
		return newRDSReads(e)
	}
	return e.rds
}

// Open makes every service of one region, in the order of All. What several of them ask AWS at
// the same time they ask together.
func Open(env Env) []killswitch.Service {
	env.ec2, env.rds = newEC2Reads(env), newRDSReads(env)
	var all []killswitch.Service
	for _, definition := range All() {
		all = append(all, definition.New(env))
	}
	return all
}

// ref names a resource of this place.
func (e Env) ref(kind killswitch.Kind, id string) killswitch.Ref {
	return killswitch.Ref{Account: e.Account, Region: e.Config.Region, Kind: kind, ID: id}
}

// Definition is one kind: what it declares, and how its service is made. New is called once for
// each run and region.
type Definition struct {
	killswitch.Declaration
	New func(Env) killswitch.Service
}

// All is every kind, in the order in which they are listed in documents and reports. A kind that is
// not here does not exist.
func All() []Definition {
	return []Definition{autoScalingGroups(), ecsServices(), ec2Instances(), rdsClusters(), rdsInstances()}
}

// Rates are the token buckets by the IAM action of each mutating call. EC2's are published
// (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html), those of Amazon ECS too
// (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html). For the
// others AWS publishes no numbers; those are chosen low enough to leave room for the owner's calls.
func Rates() map[string]killswitch.Rate {
	scaling := killswitch.Rate{Burst: 10, PerSecond: 5}
	databases := killswitch.Rate{Burst: 4, PerSecond: 2}
	return map[string]killswitch.Rate{
		"ec2:StopInstances":  {Burst: 50, PerSecond: 5, UnitBurst: 1000, UnitsPerSecond: 20},
		"ec2:StartInstances": {Burst: 5, PerSecond: 2, UnitBurst: 1000, UnitsPerSecond: 2},

		"ecs:UpdateService": {Burst: 50, PerSecond: 5},

		"autoscaling:SuspendProcesses":                   scaling,
		"autoscaling:ResumeProcesses":                    scaling,
		"autoscaling:SetInstanceHealth":                  scaling,
		"autoscaling:UpdateAutoScalingGroup":             scaling,
		"application-autoscaling:RegisterScalableTarget": scaling,

		"rds:StopDBInstance":  databases,
		"rds:StartDBInstance": databases,
		"rds:StopDBCluster":   databases,
		"rds:StartDBCluster":  databases,
	}
}

// RegionsRead is the IAM action that EnabledRegions calls.
const RegionsRead = "ec2:DescribeRegions"

// EnabledRegions are the regions that the account can use, sorted: without AllRegions EC2 answers
// those alone (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html).
func EnabledRegions(ctx context.Context, cfg aws.Config) ([]string, error) {
	out, err := ec2.NewFromConfig(cfg).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return nil, fmt.Errorf("list the enabled regions: %w", err)
	}
	regions := make([]string, 0, len(out.Regions))
	for _, region := range out.Regions {
		regions = append(regions, aws.ToString(region.RegionName))
	}
	slices.Sort(regions)
	return regions, nil
}

// encode writes a service's own type as an original of the given schema.
func encode(schema int, original any) (killswitch.Original, error) {
	data, err := json.Marshal(original)
	if err != nil {
		return killswitch.Original{}, fmt.Errorf("encode original: %w", err)
	}
	return killswitch.Original{Schema: schema, Data: data}, nil
}

// decode reads an original of exactly this schema. A field that it does not know is an error: an
// original is never guessed at.
func decode[T any](schema int, original killswitch.Original) (T, error) {
	var t T
	if original.Schema != schema {
		return t, fmt.Errorf("original has schema %d, this version knows %d", original.Schema, schema)
	}
	if err := decodeStrictly(original.Data, &t); err != nil {
		return t, fmt.Errorf("decode original: %w", err)
	}
	return t, nil
}

// decodeStrictly reads one JSON value without unknown fields, without a field missing that is always
// written, and with nothing after it: a desired count that is missing is not a count of zero.
func decodeStrictly(data []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("something follows the value")
	}
	again, err := json.Marshal(to)
	if err != nil || bytes.Equal(again, data) {
		return err
	}
	var was, is any // the text may be escaped otherwise
	if err := errors.Join(json.Unmarshal(data, &was), json.Unmarshal(again, &is)); err != nil {
		return err
	}
	if !reflect.DeepEqual(was, is) {
		return errors.New("a field is missing, or otherwise than this program writes it")
	}
	return nil
}
