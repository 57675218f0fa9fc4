package roles

import (
	"encoding/json"
	"strings"

	"aws-hit-breaks/pkg/settings"
)

// object is a JSON object of a template.
type object = map[string]any

// Template is the CloudFormation template of the role that the command line works through, which
// aws-hit-breaks setup has in it. It stands alone: a person may want the role before anything else is
// deployed, and deploys it with their own credentials.
func Template() ([]byte, error) {
	place := Place{
		Partition: "${AWS::Partition}", Account: "${AWS::AccountId}", Region: "${Region}", Table: "${Table}", Prefix: "${Prefix}",
	}
	look, err := document(CLI(place))
	if err != nil {
		return nil, err
	}
	local, err := document(Local(place))
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(object{
		"AWSTemplateFormatVersion": "2010-09-09",
		"Description":              "The role that the command line of the emergency brake (aws-hit-breaks) works through.",
		"Parameters":               parameters(),
		"Conditions": object{
			"Everybody": object{"Fn::Equals": []any{object{"Ref": "Principal"}, ""}},
			"Stranger":  object{"Fn::Not": []any{object{"Fn::Equals": []any{object{"Ref": "ExternalId"}, ""}}}},
			"AlsoLocal": object{"Fn::Equals": []any{object{"Ref": "Local"}, "true"}},
		},
		"Resources": object{"Role": object{
			"Type": "AWS::IAM::Role",
			"Properties": object{
				"RoleName":                 object{"Fn::Sub": "${Prefix}-cli"},
				"Description":              "The command line of the emergency brake.",
				"AssumeRolePolicyDocument": trust(),
				"Policies": []any{
					object{"PolicyName": "cli", "PolicyDocument": look},
					object{"Fn::If": []any{"AlsoLocal", object{"PolicyName": "local", "PolicyDocument": local}, object{"Ref": "AWS::NoValue"}}},
				},
				"Tags": []any{object{"Key": settings.SwitchTag, "Value": "true"}},
			},
		}},
		"Outputs": object{"Role": object{
			"Description": "aws-hit-breaks setup --role takes this",
			"Value":       object{"Fn::GetAtt": []any{"Role", "Arn"}},
		}},
	}, "", "  ")
}

// parameters are what differs from account to account. Everything has a default but who is let in
// from elsewhere.
func parameters() object {
	parameter := func(description, value, pattern string) object {
		return object{"Type": "String", "Description": description, "Default": value, "AllowedPattern": pattern}
	}
	return object{
		"Prefix": parameter("What the names of the brake begin with", settings.Default().Prefix, `^[A-Za-z][A-Za-z0-9-]{0,53}$`),
		"Table":  parameter("The table of the snapshots", settings.DefaultTable, `^[A-Za-z0-9_.-]{3,255}$`),
		"Region": parameter("Where the brake is deployed, or is going to be", "us-east-1", `^[a-z]{2,}(-[a-z]+)+-[0-9]+$`),
		"Principal": parameter("ARN of the role, the user or the account's root that may assume the role; empty for everybody in this account whose own policies let them",
			"", `^(arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[A-Za-z0-9_+=,.@/-]{1,512}))?$`),
		"ExternalId": parameter("What a principal of another account has to give; without one none of another account is let in", "", `^([A-Za-z0-9_+=,.@:/-]{2,1224})?$`),
		"Local": object{
			"Type": "String", "Default": "true", "AllowedValues": []string{"true", "false"},
			"Description": "Whether the role may also stop and start resources itself (--local), or only through the deployed functions",
		},
	}
}

// trust lets a principal of this account in as it is, and one of another with the external id only,
// as the roles of the switch do.
func trust() object {
	return object{"Version": "2012-10-17", "Statement": []any{object{
		"Effect": "Allow", "Action": "sts:AssumeRole",
		"Principal": object{"AWS": object{"Fn::If": []any{
			"Everybody", object{"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}, object{"Ref": "Principal"},
		}}},
		"Condition": object{"Fn::If": []any{
			"Stranger",
			object{"StringEquals": object{"sts:ExternalId": object{"Ref": "ExternalId"}}},
			object{"StringEquals": object{"aws:PrincipalAccount": object{"Ref": "AWS::AccountId"}}},
		}},
	}}}
}

// document is a policy of the statements, in which CloudFormation fills in the values of the place.
func document(statements []Statement) (any, error) {
	text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return substituted(v), nil
}

// substituted has CloudFormation fill in every string that names a value of its own.
func substituted(v any) any {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "${") {
			return object{"Fn::Sub": v}
		}
	case []any:
		for i := range v {
			v[i] = substituted(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = substituted(v[key])
		}
	}
	return v
}
