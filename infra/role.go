package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/infra/roles"
	"aws-hit-breaks/pkg/settings"
)

// role makes a role of exactly these statements. No construct of the CDK adds any: what is proven of
// the statements holds for what IAM gets.
func role(stack awscdk.Stack, d settings.Deployment, name, description string, trust []any, statements []roles.Statement) awsiam.CfnRole {
	p := place(stack, d)
	props := &awsiam.CfnRoleProps{
		RoleName:                 jsii.String(p.Prefix + "-" + name),
		Description:              jsii.String(description),
		AssumeRolePolicyDocument: document(trust),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName: jsii.String(name), PolicyDocument: document(statements),
		}},
	}
	switch boundary := d.PermissionsBoundary; {
	case strings.HasPrefix(boundary, "arn:"):
		props.PermissionsBoundary = jsii.String(boundary)
	case boundary != "":
		props.PermissionsBoundary = jsii.String(fmt.Sprintf("arn:%s:iam::%s:policy/%s", p.Partition, p.Account, boundary))
	}
	return awsiam.NewCfnRole(stack, id(name, "role"), props)
}

// people are the roles of those who operate the brake or look at it, where any are named.
func people(stack awscdk.Stack, d settings.Deployment, p roles.Place) {
	for _, r := range []struct {
		name, description string
		who               []settings.Principal
		statements        func(roles.Place) []roles.Statement
	}{
		{"operator", "People who pull the emergency brake and let it go.", d.Operators, roles.Operator},
		{"inspector", "People who look whether the emergency brake is armed.", d.Inspectors, roles.Inspector},
	} {
		if len(r.who) > 0 {
			made := role(stack, d, r.name, r.description, assumableBy(p, r.who), r.statements(p))
			output(stack, *id(r.name), r.description, *made.AttrArn())
		}
	}
}

// assumableBy lets the principals in: those of this account as they are, those of another one with
// their external id only. A principal of another account without one is never let in.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func assumableBy(p roles.Place, who []settings.Principal) []any {
	var all []any
	for _, w := range who {
		condition := object{"aws:PrincipalAccount": p.Account}
		if w.ExternalID != "" {
			condition = object{"sts:ExternalId": w.ExternalID}
		}
		all = append(all, object{
			"Effect": "Allow", "Principal": object{"AWS": w.Principal}, "Action": "sts:AssumeRole",
			"Condition": object{"StringEquals": condition},
		})
	}
	return all
}
