package sim

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/settings"
)

func sortedRefs(items map[killswitch.Ref]killswitch.Item) []killswitch.Ref {
	return slices.SortedFunc(maps.Keys(items), killswitch.Ref.Compare)
}

// protected are the resources whose own tag protects them.
func (w *world) protected() map[string]bool {
	names := map[string]bool{}
	for name, fields := range w.account.State() {
		for field, value := range fields {
			_, tag, _ := strings.Cut(field, ".")
			if _, other, ok := strings.Cut(field, ":"); ok && !strings.HasPrefix(field, "Tags.") {
				tag = other
			}
			if tag == settings.ProtectTag && !slices.Contains([]string{"false", "no", "0"}, value) {
				names[name] = true
			}
		}
	}
	return names
}

// stillRunning says what of a resource still runs, in the account as it truly is.
func (w *world) stillRunning(ref killswitch.Ref) string {
	state := w.account.State()
	name := ref.Region + " " + string(ref.Kind) + " " + ref.ID
	fields := state[name]
	switch ref.Kind {
	case killswitch.EC2Instance:
		return unless(fields["State"] == "stopped" || fields["State"] == "stopping", "it is "+fields["State"])
	case killswitch.RDSInstance, killswitch.RDSCluster:
		return unless(fields["Status"] == "stopped", "it is "+fields["Status"])
	case killswitch.ECSService:
		return unless(fields["RunningCount"] == "0" && fields["DesiredCount"] == "0",
			"it wants "+fields["DesiredCount"]+" and runs "+fields["RunningCount"])
	case killswitch.AutoScalingGroup:
		for field := range fields {
			member, ok := strings.CutPrefix(field, "Instances.")
			if !ok {
				continue
			}
			if is := state[ref.Region+" ec2:instance "+member]["State"]; is == "running" || is == "pending" {
				return "its member " + member + " is " + is
			}
		}
	}
	return ""
}

func unless(fine bool, otherwise string) string {
	if fine {
		return ""
	}
	return otherwise
}

// wantSame fails unless one resource is what it was, but for what AWS itself changes.
func (w *world) wantSame(before awssim.State, ref killswitch.Ref) {
	w.t.Helper()
	name := ref.Region + " " + string(ref.Kind) + " " + ref.ID
	was, is := awssim.State{name: before[name]}, awssim.State{name: w.account.State()[name]}
	different, _ := awssim.Compare(was, is)
	for _, d := range different {
		w.t.Errorf("%s is said to be resumed, but %s was %q and is %q", ref, d.Field, d.Before, d.After)
	}
}

// damage flips one character in the body of an item's original, as a failing disk or a careless
// hand would.
func (w *world) damage(it killswitch.Item) {
	w.t.Helper()
	ctx := context.Background()
	db := dynamodb.NewFromConfig(w.start("vandal").Config())
	scanned, err := db.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(table), KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :sk)"),
		ExpressionAttributeValues: map[string]ddbtypes.AttributeValue{
			":pk": &ddbtypes.AttributeValueMemberS{Value: "SNAPSHOT#" + w.snapshot().Header.Snapshot + "#" + it.Resource.Ref.Region},
			":sk": &ddbtypes.AttributeValueMemberS{Value: "ORIGINAL#" + string(it.Resource.Ref.Kind) + "#" + it.Resource.Ref.ID + "#"},
		},
	})
	if err != nil || len(scanned.Items) != 1 {
		w.t.Fatalf("the original of %s: %d items, %v", it.Resource.Ref, len(scanned.Items), err)
	}
	stored := scanned.Items[0]
	body := stored["body"].(*ddbtypes.AttributeValueMemberS)
	body.Value = strings.Replace(body.Value, `"i-`, `"j-`, 1)
	if _, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(table), Item: stored}); err != nil {
		w.t.Fatalf("damage the original of %s: %v", it.Resource.Ref, err)
	}
}
