package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
)

// keys says whether the resume function may have EC2 use the KMS keys of volumes: an instance whose key
// it may not use falls back to stopped (https://repost.aws/knowledge-center/kms-iam-ec2-permission).
func (d *doctor) keys(ctx context.Context) {
	const called = "keys"
	if !d.resume.there {
		d.add(warning, called, "not looked at, since it is the role of function resume that needs them", "see to function resume")
		return
	}
	regions, err := services.EnabledRegions(ctx, d.config)
	if err != nil {
		d.checks = append(d.checks, unseen(called, err))
		return
	}
	limits := killswitch.Scope{Regions: d.resume.decided.Regions}
	regions = slices.DeleteFunc(regions, func(region string) bool { return !filter.MayMatchRegion(limits, region) })
	found, missed := d.encrypted(ctx, regions)
	var refused []string
	for _, key := range slices.Sorted(maps.Keys(found)) {
		lacking, err := simulated(ctx, d.config, d.resume.role, map[string][]string{key: {"kms:CreateGrant"}})
		switch {
		case refusedLook(err):
			d.add(warning, called, fmt.Sprintf("whether %s may use %s could not be checked (%s)", d.resume.role, counted(len(found), "key"), line(err)),
				"pause and resume one instance that has such a volume, and see")
			return
		case err != nil:
			d.checks = append(d.checks, unseen(called, err))
			return
		case len(lacking) > 0:
			refused = append(refused, key+" of "+some(found[key]))
		}
	}
	switch {
	case len(refused) == 0 && len(missed) > 0:
		d.add(warning, called, "what volumes there are could not be looked at everywhere: "+strings.Join(missed, "; "), "allow that, or limit the brake to other regions")
	case len(found) == 0:
		d.add(fine, called, fmt.Sprintf("no attached volume in %s is encrypted", counted(len(regions), "region")), "")
	case len(refused) > 0:
		d.add(failing, called, fmt.Sprintf("%s may not call kms:CreateGrant, without which these would not start again: %s", d.resume.role, strings.Join(refused, "; ")),
			"allow it in the policy of the role, and in what bounds it")
	default:
		d.add(fine, called, fmt.Sprintf("%s may have EC2 use %s of attached volumes; whether the keys' own policies let it is not looked at",
			d.resume.role, counted(len(found), "key")), "")
	}
}

// encrypted are the instances of the regions by the keys of their volumes, and why some regions could not
// be looked at. An instance that is stopped today may run when the brake is pulled.
func (d *doctor) encrypted(ctx context.Context, regions []string) (found map[string][]string, missed []string) {
	volumes, errs := make([][]types.Volume, len(regions)), make([]error, len(regions))
	var work sync.WaitGroup
	for i, region := range regions {
		work.Go(func() { volumes[i], errs[i] = d.volumes(ctx, region) })
	}
	work.Wait()
	found = map[string][]string{}
	for i, region := range regions {
		if errs[i] != nil {
			missed = append(missed, region+": "+line(errs[i]))
		}
		for _, v := range volumes[i] {
			for _, a := range v.Attachments {
				key := aws.ToString(v.KmsKeyId)
				found[key] = append(found[key], aws.ToString(a.InstanceId))
			}
		}
	}
	return found, missed
}

// volumes are those of a region that are encrypted and in use.
func (d *doctor) volumes(ctx context.Context, region string) (all []types.Volume, err error) {
	config := d.config.Copy()
	config.Region = region
	pages := ec2.NewDescribeVolumesPaginator(ec2.NewFromConfig(config), &ec2.DescribeVolumesInput{
		MaxResults: aws.Int32(1000),
		Filters: []types.Filter{
			{Name: aws.String("encrypted"), Values: []string{"true"}},
			{Name: aws.String("attachment.status"), Values: []string{string(types.VolumeAttachmentStateAttached)}},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Volumes...)
	}
	return all, nil
}

// some are the first few of many ids.
func some(ids []string) string {
	const few = 3
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:few], ", "), len(ids)-few)
	}
	return strings.Join(ids, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
