package filter

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

func TestValidate(t *testing.T) {
	type scope = killswitch.Scope
	tests := map[string]struct {
		scope scope
		want  string // part of the one line, empty where it is fine
	}{
		"everything":                      {scope{}, ""},
		"regions by name and glob":        {scope{Regions: []string{"eu-west-1", "us-*", "??-south-1"}}, ""},
		"services and kinds":              {scope{Services: []string{"rds", "ec2:instance"}}, ""},
		"tags":                            {scope{Tags: []string{"env", "env=dev", "url=a=b", "team="}}, ""},
		"ids":                             {scope{IDs: []string{"i-0abc", "cluster/service"}}, ""},
		"less than what is asked for out": {scope{Regions: []string{"eu-*"}, Services: []string{"rds"}, Tags: []string{"env"}, Exclude: &scope{Regions: []string{"eu-west-1"}, Services: []string{"rds:cluster"}, Tags: []string{"env=prod"}}}, ""},
		"an empty exclusion":              {scope{Exclude: &scope{}}, ""},

		"a region that does not exist":        {scope{Regions: []string{"eu-wset-1"}}, `region "eu-wset-1": no region of this account: did you mean "eu-west-1"?`},
		"a region without a dash":             {scope{Regions: []string{"useast1"}}, `did you mean "us-east-1"?`},
		"a region unlike any":                 {scope{Regions: []string{"mars"}}, "known are ap-south-1, eu-west-1, eu-west-2, us-east-1"},
		"a glob that matches no region":       {scope{Regions: []string{"ca-*"}}, `region "ca-*": no region of this account`},
		"a region in capitals":                {scope{Regions: []string{"EU-WEST-1"}}, "a region consists of"},
		"a list in one value":                 {scope{Regions: []string{"eu-west-1,us-east-1"}}, "a region consists of"},
		"an empty region":                     {scope{Regions: []string{""}}, `region "" is empty`},
		"an excluded region that is not":      {scope{Exclude: &scope{Regions: []string{"eu-west-3"}}}, `excluded region "eu-west-3": no region of this account: did you mean "eu-west-1"?`},
		"a service that does not exist":       {scope{Services: []string{"redshift"}}, "no service of the brake: known are autoscaling, autoscaling:group, ec2, ec2:instance,"},
		"a kind in the plural":                {scope{Services: []string{"ec2:instances"}}, `did you mean "ec2:instance"?`},
		"a service in capitals":               {scope{Services: []string{"RDS"}}, `did you mean "rds"?`},
		"a tag without a key":                 {scope{Tags: []string{"=dev"}}, `tag "=dev": there is no key before "="`},
		"a tag with spaces around the equals": {scope{Tags: []string{"env = dev"}}, `write "env=dev"`},
		"a tag that ends with a space":        {scope{Tags: []string{"env=dev "}}, `tag "env=dev " is empty, or begins or ends with a space`},
		"a key that AWS does not take":        {scope{Tags: []string{strings.Repeat("k", 129)}}, "longer than the 128 characters"},
		"a value that AWS does not take":      {scope{Tags: []string{"k=" + strings.Repeat("é", 257)}}, "longer than the 256 characters"},
		"an ARN for an id":                    {scope{IDs: []string{"arn:aws:rds:eu-west-1:111122223333:db:orders"}}, "write the id alone"},
		"an exclusion of an exclusion":        {scope{Exclude: &scope{Exclude: &scope{}}}, "an exclusion cannot have an exclusion"},

		"a region in and out":               {scope{Regions: []string{"eu-west-1"}, Exclude: &scope{Regions: []string{"eu-*"}}}, `region "eu-west-1" is asked for and taken out again by the excluded region "eu-*"`},
		"all that a glob stands for out":    {scope{Regions: []string{"eu-west-?"}, Exclude: &scope{Regions: []string{"eu-*"}}}, `region "eu-west-?" is asked for and taken out again`},
		"a kind in and its service out":     {scope{Services: []string{"rds:cluster"}, Exclude: &scope{Services: []string{"rds"}}}, `service "rds:cluster" is asked for and taken out again`},
		"a tag in and its key out":          {scope{Tags: []string{"env=dev"}, Exclude: &scope{Tags: []string{"env"}}}, `tag "env=dev" is asked for and taken out again`},
		"an id in and out":                  {scope{IDs: []string{"i-1"}, Exclude: &scope{IDs: []string{"i-1"}}}, `id "i-1" is asked for and taken out again`},
		"every region out":                  {scope{Exclude: &scope{Regions: []string{"eu-*", "us-*", "ap-*"}}}, "no region is left when eu-*, us-*, ap-* are excluded"},
		"every service out":                 {scope{Exclude: &scope{Services: []string{"rds", "ec2", "ecs", "autoscaling"}}}, "no service is left"},
		"two globs that leave nothing over": {scope{Regions: []string{"eu-*"}, Exclude: &scope{Regions: []string{"eu-*"}}}, "leave one of them out"},
	}
	regions := []string{"ap-south-1", "eu-west-1", "eu-west-2", "us-east-1"}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Validate(tt.scope, regions, someKinds)
			if tt.want == "" {
				if err != nil {
					t.Errorf("Validate(%+v) = %v, want no error", tt.scope, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Validate(%+v) = %v, want an error that says %q", tt.scope, err, tt.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than one line", err)
			}
		})
	}
}

func TestValidateWithoutKnownRegions(t *testing.T) {
	tests := map[string]struct {
		scope killswitch.Scope
		ok    bool
	}{
		"a region of AWS":             {killswitch.Scope{Regions: []string{"ap-south-2"}}, true},
		"a region that is none":       {killswitch.Scope{Regions: []string{"eu-wset-1"}}, false},
		"a pattern of no region":      {killswitch.Scope{Regions: []string{"eu-wst-*"}}, false},
		"the same, out":               {killswitch.Scope{Exclude: &killswitch.Scope{Regions: []string{"eu-wst-*"}}}, false},
		"a newer region, as pattern":  {killswitch.Scope{Regions: []string{"xx-new-1*"}}, true},
		"a newer region in and out":   {killswitch.Scope{Regions: []string{"xx-new-1*"}, Exclude: &killswitch.Scope{Regions: []string{"xx-*"}}}, false},
		"a newer region, another out": {killswitch.Scope{Regions: []string{"xx-new-1*"}, Exclude: &killswitch.Scope{Regions: []string{"eu-*"}}}, true},
		"a malformed region":          {killswitch.Scope{Regions: []string{"eu west 1"}}, false},
		"every region out":            {killswitch.Scope{Exclude: &killswitch.Scope{Regions: []string{"*"}}}, false},
		"all of a pattern out":        {killswitch.Scope{Regions: []string{"cn-*"}, Exclude: &killswitch.Scope{Regions: []string{"cn-north-1", "cn-northwest-1"}}}, false},
		"a region in and out by key":  {killswitch.Scope{Regions: []string{"eu-west-1"}, Exclude: &killswitch.Scope{Regions: []string{"eu-*"}}}, false},
		"a region of a glob out":      {killswitch.Scope{Regions: []string{"eu-*"}, Exclude: &killswitch.Scope{Regions: []string{"eu-west-1"}}}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := Validate(tt.scope, nil, someKinds); (err == nil) != tt.ok {
				t.Errorf("Validate(%+v, nil, …) = %v, want ok %v", tt.scope, err, tt.ok)
			}
		})
	}
}

// What Validate lets through can contain something: there is a resource for which Match says yes.
func TestValidScopesCanMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scope, out := drawScope(t, "in "), drawScope(t, "out ")
		out.Tags, out.IDs = nil, nil // what has neither is always left, where tags and ids are not asked for
		scope.Exclude = &out
		if Validate(scope, someRegions, someKinds) != nil {
			return
		}
		for _, region := range someRegions {
			for _, kind := range someKinds {
				r := resource(region, killswitch.Kind(kind), "a", map[string]string{})
				if len(scope.IDs) > 0 {
					r.Ref.ID = scope.IDs[0]
				}
				if len(scope.Tags) > 0 {
					key, value, _ := strings.Cut(scope.Tags[0], "=")
					r.Tags[key] = value
				}
				if Match(scope, r) {
					return
				}
			}
		}
		t.Fatalf("%+v is valid, but nothing can match it", scope)
	})
}
