package services

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"
)

// How much one read takes. DescribeInstances has no published limit of ids; the others are on the
// pages of their operations and on
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html.
const (
	perPage       = 1000
	idsPerLook    = 1000
	idsPerStatus  = 100
	typesPerRead  = 100
	filterValues  = 200
	readsAtOnce   = 4
	statusOK      = string(ec2types.SummaryStatusOk)
	statusUnknown = "" // not read
)

// ec2Reads are the reads of EC2 that instances and groups share, in one region, and the starts that they
// ask for at the same time. It remembers which types have instance store, which AWS never changes, and
// nothing else.
type ec2Reads struct {
	client    *ec2.Client
	instances together[described]
	checks    together[map[string]check]
	starts    together[startAnswer]
	// statusPages is how many pages the status checks of the whole region took; 0 before they were read.
	statusPages atomic.Int64

	mu    sync.Mutex
	local map[ec2types.InstanceType]bool // has instance store
}

func newEC2Reads(env Env) *ec2Reads {
	r := &ec2Reads{client: ec2.NewFromConfig(env.Config), local: map[ec2types.InstanceType]bool{}}
	r.instances.ask, r.checks.ask = r.byID, r.checksOf
	r.starts.ask, r.starts.most = r.startAll, idsPerMutation
	return r
}

// existing looks at instances by a filter on their ids: those that do not exist (any more) are
// simply not in the answer, which is good enough for what a listing wants to know.
func (r *ec2Reads) existing(ctx context.Context, ids []string) (map[string]*ec2types.Instance, error) {
	found := map[string]*ec2types.Instance{}
	var mu sync.Mutex
	var reads errgroup.Group
	reads.SetLimit(readsAtOnce)
	for chunk := range slices.Chunk(ids, filterValues) {
		reads.Go(func() error {
			instances, err := r.describe(ctx, &ec2.DescribeInstancesInput{
				Filters:    []ec2types.Filter{{Name: aws.String("instance-id"), Values: chunk}},
				MaxResults: aws.Int32(perPage), IncludeManagedResources: aws.Bool(true),
			})
			if err != nil {
				return fmt.Errorf("look at %d members: %w", len(chunk), err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, i := range instances {
				found[aws.ToString(i.InstanceId)] = i
			}
			return nil
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

// describe reads all pages of one question.
func (r *ec2Reads) describe(ctx context.Context, in *ec2.DescribeInstancesInput) ([]*ec2types.Instance, error) {
	var instances []*ec2types.Instance
	pages := ec2.NewDescribeInstancesPaginator(r.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		instances = append(instances, instancesOf(page)...)
	}
	return instances, nil
}

// instancesOf are the instances of a page in AWS's order: one is large, and none is copied.
func instancesOf(page *ec2.DescribeInstancesOutput) []*ec2types.Instance {
	var instances []*ec2types.Instance
	for _, reservation := range page.Reservations {
		for n := range reservation.Instances {
			instances = append(instances, &reservation.Instances[n])
		}
	}
	return instances
}

// instanceStore says of each type whether it has disks that lose everything at a stop.
func (r *ec2Reads) instanceStore(ctx context.Context, wanted []ec2types.InstanceType) (map[ec2types.InstanceType]bool, error) {
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	for chunk := range slices.Chunk(r.unknown(wanted), typesPerRead) {
		pages := ec2.NewDescribeInstanceTypesPaginator(r.client, &ec2.DescribeInstanceTypesInput{InstanceTypes: chunk})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("read instance types: %w", err)
			}
			r.mu.Lock()
			for _, t := range page.InstanceTypes {
				r.local[t.InstanceType] = aws.ToBool(t.InstanceStorageSupported)
			}
			r.mu.Unlock()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := make(map[ec2types.InstanceType]bool, len(wanted))
	for _, t := range wanted {
		local, known := r.local[t]
		if !known {
			return nil, fmt.Errorf("read instance types: AWS's answer does not have %s", t)
		}
		answer[t] = local
	}
	return answer, nil
}

func (r *ec2Reads) unknown(wanted []ec2types.InstanceType) []ec2types.InstanceType {
	r.mu.Lock()
	defer r.mu.Unlock()
	var unknown []ec2types.InstanceType
	for _, t := range wanted {
		if _, ok := r.local[t]; !ok {
			unknown = append(unknown, t)
		}
	}
	return unknown
}

// spotRequests are Spot requests by their ids. One that EC2 does not know any more is missing.
func (r *ec2Reads) spotRequests(ctx context.Context, ids []string) (map[string]ec2types.SpotInstanceRequest, error) {
	requests := map[string]ec2types.SpotInstanceRequest{}
	for chunk := range slices.Chunk(ids, filterValues) {
		pages := ec2.NewDescribeSpotInstanceRequestsPaginator(r.client, &ec2.DescribeSpotInstanceRequestsInput{
			Filters:    []ec2types.Filter{{Name: aws.String("spot-instance-request-id"), Values: chunk}},
			MaxResults: aws.Int32(perPage),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("read Spot requests: %w", err)
			}
			for _, request := range page.SpotInstanceRequests {
				requests[aws.ToString(request.SpotInstanceRequestId)] = request
			}
		}
	}
	return requests, nil
}

// tagsOf are the tags of an instance as a map.
func tagsOf(tags []ec2types.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, tag := range tags {
		m[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return m
}
