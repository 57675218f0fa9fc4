package filter

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aws-hit-breaks/pkg/killswitch"
)

func resource(region string, kind killswitch.Kind, id string, tags map[string]string) killswitch.Resource {
	return killswitch.Resource{
		Ref:  killswitch.Ref{Account: "111122223333", Region: region, Kind: kind, ID: id},
		Tags: tags,
	}
}

func TestMatch(t *testing.T) {
	db := resource("eu-west-1", killswitch.RDSCluster, "orders", map[string]string{"env": "dev", "url": "a=b", "empty": ""})
	tests := map[string]struct {
		scope killswitch.Scope
		want  bool
	}{
		"an empty scope contains everything":              {killswitch.Scope{}, true},
		"a region by name":                                {killswitch.Scope{Regions: []string{"eu-west-1"}}, true},
		"a region by glob":                                {killswitch.Scope{Regions: []string{"us-*", "eu-*"}}, true},
		"a question mark is one character":                {killswitch.Scope{Regions: []string{"eu-west-?"}}, true},
		"a question mark is not two characters":           {killswitch.Scope{Regions: []string{"eu-west??1"}}, false},
		"a glob is for the whole name":                    {killswitch.Scope{Regions: []string{"west"}}, false},
		"another region":                                  {killswitch.Scope{Regions: []string{"eu-west-2"}}, false},
		"a service contains its kinds":                    {killswitch.Scope{Services: []string{"rds"}}, true},
		"a kind":                                          {killswitch.Scope{Services: []string{"rds:cluster"}}, true},
		"another kind of the same service":                {killswitch.Scope{Services: []string{"rds:instance"}}, false},
		"services are not globs":                          {killswitch.Scope{Services: []string{"rds*"}}, false},
		"a tag by its key":                                {killswitch.Scope{Tags: []string{"env"}}, true},
		"a tag by key and value":                          {killswitch.Scope{Tags: []string{"env=dev"}}, true},
		"a tag with another value":                        {killswitch.Scope{Tags: []string{"env=prod"}}, false},
		"tags are alternatives":                           {killswitch.Scope{Tags: []string{"env=prod", "env=dev"}}, true},
		"a tag's key has its case":                        {killswitch.Scope{Tags: []string{"Env"}}, false},
		"a value may contain an equals sign":              {killswitch.Scope{Tags: []string{"url=a=b"}}, true},
		"an empty value is a value":                       {killswitch.Scope{Tags: []string{"empty="}}, true},
		"an empty value is not any value":                 {killswitch.Scope{Tags: []string{"env="}}, false},
		"an id":                                           {killswitch.Scope{IDs: []string{"i-1", "orders"}}, true},
		"ids are exact":                                   {killswitch.Scope{IDs: []string{"order*"}}, false},
		"different lists must all match":                  {killswitch.Scope{Regions: []string{"eu-*"}, Tags: []string{"env=prod"}}, false},
		"all lists match":                                 {killswitch.Scope{Regions: []string{"eu-*"}, Tags: []string{"env"}, IDs: []string{"orders"}, Services: []string{"rds"}}, true},
		"an excluded region":                              {killswitch.Scope{Exclude: &killswitch.Scope{Regions: []string{"eu-*"}}}, false},
		"an excluded service":                             {killswitch.Scope{Exclude: &killswitch.Scope{Services: []string{"rds"}}}, false},
		"an excluded tag":                                 {killswitch.Scope{Exclude: &killswitch.Scope{Tags: []string{"env=dev"}}}, false},
		"an excluded id":                                  {killswitch.Scope{Exclude: &killswitch.Scope{IDs: []string{"orders"}}}, false},
		"one matching list of an exclusion is enough":     {killswitch.Scope{Exclude: &killswitch.Scope{Regions: []string{"us-*"}, IDs: []string{"orders"}}}, false},
		"an exclusion wins over what was asked for":       {killswitch.Scope{IDs: []string{"orders"}, Exclude: &killswitch.Scope{Tags: []string{"env"}}}, false},
		"an exclusion of something else":                  {killswitch.Scope{Exclude: &killswitch.Scope{Regions: []string{"us-*"}, Tags: []string{"env=prod"}}}, true},
		"an empty exclusion takes out nothing":            {killswitch.Scope{Exclude: &killswitch.Scope{}}, true},
		"an exclusion of an exclusion gives nothing back": {killswitch.Scope{Exclude: &killswitch.Scope{Regions: []string{"eu-*"}, Exclude: &killswitch.Scope{IDs: []string{"orders"}}}}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Match(tt.scope, db); got != tt.want {
				t.Errorf("Match(%+v, %v) = %v, want %v", tt.scope, db.Ref, got, tt.want)
			}
		})
	}
}

func TestProtected(t *testing.T) {
	tests := map[string]struct {
		tags map[string]string
		want string // the tag, empty where it is not protected
		by   string // the setting, empty where it is not set
	}{
		"the owner's own tag":             {tags: map[string]string{"Critical": "yes"}, by: "critical", want: "critical"},
		"the owner's own tag taken back":  {tags: map[string]string{"critical": "no"}, by: "critical"},
		"the default beside an own tag":   {tags: map[string]string{"aws-hit-breaks:protect": "true"}, by: "critical"},
		"a part of the switch, own tag":   {tags: map[string]string{"aws-hit-breaks:switch": "true"}, by: "critical", want: "aws-hit-breaks:switch"},
		"an empty key is nobody's choice": {tags: map[string]string{"": "true"}},
		"no tags":                         {tags: nil, want: ""},
		"another tag":                     {tags: map[string]string{"protect": "true"}, want: ""},
		"true":                            {tags: map[string]string{"aws-hit-breaks:protect": "true"}, want: "aws-hit-breaks:protect"},
		"an empty value":                  {tags: map[string]string{"aws-hit-breaks:protect": ""}, want: "aws-hit-breaks:protect"},
		"a reason as the value":           {tags: map[string]string{"aws-hit-breaks:protect": "ask the DBAs"}, want: "aws-hit-breaks:protect"},
		"false":                           {tags: map[string]string{"aws-hit-breaks:protect": "false"}, want: ""},
		"No with spaces":                  {tags: map[string]string{"aws-hit-breaks:protect": " No "}, want: ""},
		"zero":                            {tags: map[string]string{"aws-hit-breaks:protect": "0"}, want: ""},
		"two zeros are not zero":          {tags: map[string]string{"aws-hit-breaks:protect": "00"}, want: "aws-hit-breaks:protect"},
		"another case of the key":         {tags: map[string]string{"AWS-Hit-Breaks:Protect": "yes"}, want: "aws-hit-breaks:protect"},
		"two cases that disagree":         {tags: map[string]string{"aws-hit-breaks:protect": "false", "Aws-hit-breaks:protect": "yes"}, want: "aws-hit-breaks:protect"},
		"a part of the switch":            {tags: map[string]string{"aws-hit-breaks:switch": "guard"}, want: "aws-hit-breaks:switch"},
		"a part of the switch, false":     {tags: map[string]string{"aws-hit-breaks:switch": "false"}, want: "aws-hit-breaks:switch"},
		"both tags":                       {tags: map[string]string{"aws-hit-breaks:switch": "", "aws-hit-breaks:protect": "1"}, want: "aws-hit-breaks:protect"},
		"a switch that takes back":        {tags: map[string]string{"aws-hit-breaks:switch": "", "aws-hit-breaks:protect": "no"}, want: "aws-hit-breaks:switch"},
		"the strategy tag of a group":     {tags: map[string]string{"aws-hit-breaks:pause": "scale-to-zero"}, want: ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tag, ok := Protected(tt.tags, tt.by)
			if tag != tt.want || ok != (tt.want != "") {
				t.Errorf("Protected(%v) = %q, %v, want %q", tt.tags, tag, ok, tt.want)
			}
		})
	}
}

func TestGovern(t *testing.T) {
	dev := killswitch.Scope{Tags: []string{"env=dev"}}
	eu := killswitch.Scope{Regions: []string{"eu-*"}}
	orders := []killswitch.Order{
		{Seq: 1, Act: killswitch.Pause, Scope: dev},
		{Seq: 2, Act: killswitch.Pause},
		{Seq: 3, Act: killswitch.Resume, Scope: eu},
	}
	devEU := resource("eu-west-1", killswitch.EC2Instance, "i-1", map[string]string{"env": "dev"})
	prodUS := resource("us-east-1", killswitch.EC2Instance, "i-2", map[string]string{"env": "prod"})
	tests := map[string]struct {
		orders []killswitch.Order
		r      killswitch.Resource
		want   int // Seq, 0 for none
	}{
		"the last order that contains it":              {orders, devEU, 3},
		"a later order about something else":           {orders, prodUS, 2},
		"only the first order is about it":             {orders[:1], devEU, 1},
		"no order is about it":                         {orders[:1], prodUS, 0},
		"no orders":                                    {nil, devEU, 0},
		"an exclusion leaves it to the order before":   {append(orders[:2:2], killswitch.Order{Seq: 3, Scope: killswitch.Scope{Exclude: &dev}}), devEU, 2},
		"the same scope again is governed by the last": {append(orders[:1:1], killswitch.Order{Seq: 2, Scope: dev}), devEU, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := Govern(tt.orders, tt.r)
			if got.Seq != tt.want || ok != (tt.want != 0) {
				t.Errorf("Govern(…, %v) = order %d, %v, want order %d", tt.r.Ref, got.Seq, ok, tt.want)
			}
		})
	}
}

var (
	someRegions = []string{"eu-west-1", "eu-west-2", "us-east-1", "ap-south-1"}
	someKinds   = []string{"autoscaling:group", "ec2:instance", "ecs:service", "rds:cluster", "rds:instance"}
	someTags    = []string{"env", "env=dev", "env=prod", "team", "team=a", "team="}
	someIDs     = []string{"a", "b", "c"}
)

func drawScope(t *rapid.T, label string) killswitch.Scope {
	few := func(name string, from []string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(t, label+name)
	}
	return killswitch.Scope{
		Regions:  few("regions", append(slices.Clone(someRegions), "eu-*", "*", "??-*-1")),
		Services: few("services", append(slices.Clone(someKinds), "rds", "ec2")),
		Tags:     few("tags", someTags),
		IDs:      few("ids", someIDs),
	}
}

func drawResource(t *rapid.T) killswitch.Resource {
	return resource(
		rapid.SampledFrom(someRegions).Draw(t, "region"),
		killswitch.Kind(rapid.SampledFrom(someKinds).Draw(t, "kind")),
		rapid.SampledFrom(someIDs).Draw(t, "id"),
		rapid.MapOf(rapid.SampledFrom([]string{"env", "team"}), rapid.SampledFrom([]string{"", "a", "dev", "prod"})).Draw(t, "tags"),
	)
}

func TestExclusionOnlyTakesAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scope, out, r := drawScope(t, "in "), drawScope(t, "out "), drawResource(t)
		with := scope
		with.Exclude = &out
		if Match(with, r) && !Match(scope, r) {
			t.Fatalf("%+v contains %v only because of its exclusion", with, r)
		}
		byItself := Match(killswitch.Scope{Regions: out.Regions}, r) && len(out.Regions) > 0 ||
			Match(killswitch.Scope{Services: out.Services}, r) && len(out.Services) > 0 ||
			Match(killswitch.Scope{Tags: out.Tags}, r) && len(out.Tags) > 0 ||
			Match(killswitch.Scope{IDs: out.IDs}, r) && len(out.IDs) > 0
		if got, want := Match(with, r), Match(scope, r) && !byItself; got != want {
			t.Fatalf("Match(%+v, %v) = %v, want %v", with, r, got, want)
		}
	})
}

func TestListingIsSkippedOnlyWhereNothingCanMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scope, out, r := drawScope(t, "in "), drawScope(t, "out "), drawResource(t)
		scope.Exclude = &out
		if Match(scope, r) && !MayMatchRegion(scope, r.Ref.Region) {
			t.Fatalf("%+v contains %v, but its region would not be listed", scope, r)
		}
		if Match(scope, r) && !MayMatchKind(scope, r.Ref.Kind) {
			t.Fatalf("%+v contains %v, but its kind would not be listed", scope, r)
		}
		bare := killswitch.Scope{Regions: scope.Regions, Exclude: &killswitch.Scope{Regions: out.Regions}}
		if Match(bare, r) != MayMatchRegion(bare, r.Ref.Region) {
			t.Fatalf("%+v speaks of regions only, but listing %s is decided otherwise", bare, r.Ref.Region)
		}
		bare = killswitch.Scope{Services: scope.Services, Exclude: &killswitch.Scope{Services: out.Services}}
		if Match(bare, r) != MayMatchKind(bare, r.Ref.Kind) {
			t.Fatalf("%+v speaks of services only, but listing %s is decided otherwise", bare, r.Ref.Kind)
		}
	})
}

func TestGovernIsTheLastMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		orders := make([]killswitch.Order, rapid.IntRange(0, 6).Draw(t, "orders"))
		r := drawResource(t)
		var want killswitch.Order
		for i := range orders {
			orders[i] = killswitch.Order{Seq: i + 1, Scope: drawScope(t, "")}
			if Match(orders[i].Scope, r) {
				want = orders[i]
			}
		}
		got, ok := Govern(orders, r)
		if got.Seq != want.Seq || ok != (want.Seq != 0) {
			t.Fatalf("Govern = order %d, %v, want order %d", got.Seq, ok, want.Seq)
		}
	})
}

func TestGlobAgreesWithRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		re := "^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$"
		if got, want := glob(pattern, text), regexp.MustCompile(re).MatchString(text); got != want {
			t.Fatalf("glob(%q, %q) = %v, want %v", pattern, text, got, want)
		}
	})
}
