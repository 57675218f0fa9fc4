package awssim

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func stsOperations() []operation {
	return []operation{op("sts", "GetCallerIdentity", false, getCallerIdentity)}
}

// getCallerIdentity answers as for an assumed role whose session is named after the process.
func getCallerIdentity(c *call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	id := c.account.id
	return &sts.GetCallerIdentityOutput{
		Account: aws.String(id),
		Arn:     aws.String("arn:aws:sts::" + id + ":assumed-role/aws-hit-breaks/" + c.process.name),
		UserId:  aws.String("AROASIMULATED:" + c.process.name),
	}, nil
}
