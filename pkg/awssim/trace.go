package awssim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Call is one attempt of one operation.
type Call struct {
	Seq       int       // 1 for the first attempt that was made
	Sent      time.Time // account time at which it was made
	At        time.Time // account time at which it was answered or took effect; zero while it has not
	Process   string
	By        string // ARN of the role's session that signed it; "" is the process itself
	Region    string
	Service   string // as IAM writes it: ec2, autoscaling, application-autoscaling …
	Operation string
	Mutating  bool
	Targets   []string // ids of the resources it names
	Attempt   int      // 1, or more for the SDK's retries
	Landed    bool     // the operation was carried out, whatever the caller heard
	Err       string   // what the caller got: an AWS error code, "canceled", "killed", or ""

	// Input is the SDK's typed input. It is set for Options.Fault, which must not change it, and
	// nil in the trace.
	Input any
}

// Action is the call as IAM writes it: "ec2:StopInstances".
func (c Call) Action() string { return c.Service + ":" + c.Operation }

// String is the call on one line.
func (c Call) String() string {
	line := fmt.Sprintf("%d %s %s %s %s", c.Seq, c.Sent.Format("01-02T15:04:05.000"), c.Process, c.Region, c.Action())
	if c.Attempt > 1 {
		line += fmt.Sprintf(" attempt %d", c.Attempt)
	}
	if len(c.Targets) > 0 {
		line += " " + strings.Join(c.Targets, ",")
	}
	if c.Err != "" {
		line += " → " + c.Err
	}
	return line
}

// Fault is what goes wrong with one attempt. The zero Fault is a call without any.
type Fault struct {
	Before error         // answered instead of the effect
	After  error         // answered although the effect happened
	Delay  time.Duration // added to the latency

	KillBefore bool // the process dies before the effect
	KillAfter  bool // the process dies after the effect

	// Late is a connection that hangs: the caller hears nothing until its context ends, and the
	// effect happens that much later than it would have, whether the caller still waits or not.
	Late time.Duration
}

// targetFields are the input fields that name resources, in the services the account models.
var targetFields = []string{
	"InstanceIds", "InstanceId", "AutoScalingGroupName", "AutoScalingGroupNames", "DBInstanceIdentifier",
	"DBClusterIdentifier", "Cluster", "Service", "Services", "Tasks", "ResourceId", "ResourceIds", "TopicArn",
}

// targets are the ids that an input names, in the order of targetFields. DynamoDB's are "PK SK". They are
// copies: the trace does not hold what the caller has.
func targets(input any) []string {
	if ids, ok := itemTargets(input); ok {
		return ids
	}
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return nil
	}
	var ids []string
	for _, name := range targetFields {
		switch field := v.FieldByName(name); {
		case !field.IsValid():
		case field.Type() == reflect.TypeFor[*string]() && !field.IsNil():
			ids = append(ids, strings.Clone(field.Elem().String()))
		case field.Type() == reflect.TypeFor[[]string]():
			for _, id := range field.Interface().([]string) {
				ids = append(ids, strings.Clone(id))
			}
		}
	}
	return ids
}

func itemTargets(input any) (ids []string, ok bool) {
	type attributes = map[string]ddbtypes.AttributeValue
	name := func(keys ...attributes) {
		for _, key := range keys {
			if key == nil {
				continue
			}
			id, err := keyOf(key)
			if err == nil {
				ids = append(ids, id.String())
			}
		}
	}
	switch in := input.(type) {
	case *dynamodb.GetItemInput:
		name(in.Key)
	case *dynamodb.PutItemInput:
		name(in.Item)
	case *dynamodb.UpdateItemInput:
		name(in.Key)
	case *dynamodb.DeleteItemInput:
		name(in.Key)
	case *dynamodb.TransactGetItemsInput:
		for _, t := range in.TransactItems {
			if t.Get != nil {
				name(t.Get.Key)
			}
		}
	case *dynamodb.TransactWriteItemsInput:
		for _, t := range in.TransactItems {
			name(writeKey(t))
		}
	case *dynamodb.BatchGetItemInput:
		for _, keys := range in.RequestItems {
			name(keys.Keys...)
		}
		slices.Sort(ids)
	default:
		return nil, false
	}
	return ids, true
}

// writeKey is the map that holds the key of the item which one member of a transaction is about.
func writeKey(t ddbtypes.TransactWriteItem) map[string]ddbtypes.AttributeValue {
	switch {
	case t.Put != nil:
		return t.Put.Item
	case t.Update != nil:
		return t.Update.Key
	case t.Delete != nil:
		return t.Delete.Key
	case t.ConditionCheck != nil:
		return t.ConditionCheck.Key
	}
	return nil
}
