package services

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// rdsReads are the reads of DB instances that these and clusters share, in one region.
type rdsReads struct {
	client    *rds.Client
	instances together[map[string]rdstypes.DBInstance] // by name
}

func newRDSReads(env Env) *rdsReads {
	r := &rdsReads{client: rds.NewFromConfig(env.Config)}
	r.instances.ask = r.byName
	return r
}

// byName looks at DB instances by name, a page of them to a question. What does not exist is missing.
func (r *rdsReads) byName(ctx context.Context, names []string) (map[string]rdstypes.DBInstance, error) {
	all := map[string]rdstypes.DBInstance{}
	for chunk := range slices.Chunk(names, rdsPage) {
		found, err := r.look(ctx, &rds.DescribeDBInstancesInput{
			Filters: dbFilter("db-instance-id", chunk), MaxRecords: aws.Int32(rdsPage),
		})
		if err != nil {
			return nil, err
		}
		maps.Copy(all, found)
	}
	return all, nil
}

func (r *rdsReads) look(ctx context.Context, in *rds.DescribeDBInstancesInput) (map[string]rdstypes.DBInstance, error) {
	found := map[string]rdstypes.DBInstance{}
	pages := rds.NewDescribeDBInstancesPaginator(r.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, db := range page.DBInstances {
			found[aws.ToString(db.DBInstanceIdentifier)] = db
		}
	}
	return found, nil
}
