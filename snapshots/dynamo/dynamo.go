// Package dynamo keeps snapshots in a DynamoDB table with the key attributes PK and SK.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/time/rate"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/snapshots"
)

// Actions are the IAM actions that a Store calls. A transaction needs those of its members:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
var Actions = []string{
	"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
}

// TTLAttribute is the attribute by which the table may forget items.
const TTLAttribute = "expires"

// Store keeps snapshots in one table.
type Store struct{ *snapshots.Book }

// Open uses the table of that name in the region of cfg. It makes no call.
func Open(cfg aws.Config, name string) *Store {
	return &Store{snapshots.NewBook(&table{client: dynamodb.NewFromConfig(cfg), name: name, region: cfg.Region})}
}

// table is a snapshots.Table in DynamoDB. The SDK's retryer below it has tried again what failed.
type table struct {
	client *dynamodb.Client
	name   string
	region string

	mu    sync.Mutex
	units map[string]*rate.Limiter // of what this process has written, by partition
}

// unitsPerSecond is what one partition takes. A write that it has no units for is refused, and its
// next try may be: who waits for them first is through sooner, with one call
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
const unitsPerSecond = 1000

// spend waits for the units that the writes take: in a transaction two for each KB of an item
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
func (t *table) spend(ctx context.Context, swaps []snapshots.Swap) error {
	units := map[string]int{}
	for _, s := range swaps {
		kilobytes := 1
		if s.Put != nil {
			kilobytes = (s.Put.Size() + 1023) / 1024
		}
		units[s.Key.PK] += 2 * kilobytes
	}
	for _, pk := range slices.Sorted(maps.Keys(units)) {
		t.mu.Lock()
		if t.units == nil {
			t.units = map[string]*rate.Limiter{}
		}
		l := t.units[pk]
		if l == nil {
			l = rate.NewLimiter(unitsPerSecond, unitsPerSecond)
			t.units[pk] = l
		}
		t.mu.Unlock()
		if err := l.WaitN(ctx, min(units[pk], unitsPerSecond)); err != nil {
			return fmt.Errorf("wait for %d write units of partition %s: %w", units[pk], pk, err)
		}
	}
	return nil
}

func (t *table) Where() string { return fmt.Sprintf("table %s in %s", t.name, t.region) }

func (t *table) Get(ctx context.Context, key snapshots.Key) (*snapshots.Record, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.name, Key: attributes(key), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, t.meaning(ctx, err)
	}
	return stored(out.Item), nil
}

// Query reads page after page: one ends at 1 MB.
func (t *table) Query(ctx context.Context, pk, prefix string, newest int, take func(snapshots.Record)) error {
	in := &dynamodb.QueryInput{
		TableName:                 &t.name,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    aws.String("PK = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": text(pk)},
	}
	if prefix != "" {
		in.KeyConditionExpression = aws.String("PK = :pk AND begins_with(SK, :prefix)")
		in.ExpressionAttributeValues[":prefix"] = text(prefix)
	}
	if newest > 0 {
		in.ScanIndexForward = aws.Bool(false)
		in.Limit = aws.Int32(int32(newest))
	}
	for taken := 0; ; {
		out, err := t.client.Query(ctx, in)
		if err != nil {
			return t.meaning(ctx, err)
		}
		for _, item := range out.Items {
			take(*stored(item))
			taken++
		}
		if len(out.LastEvaluatedKey) == 0 || newest > 0 && taken >= newest {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Commit is a transaction, also for a single item: the SDK fills in its ClientRequestToken, so that
// the SDK's own retry of an attempt whose answer was lost does not count twice. A PutItem would find
// what it had itself written, and take it for a rival's.
func (t *table) Commit(ctx context.Context, swaps []snapshots.Swap) error {
	members := make([]types.TransactWriteItem, len(swaps))
	for i, s := range swaps {
		members[i] = t.member(s)
	}
	if err := t.spend(ctx, swaps); err != nil {
		return err
	}
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: members})
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return t.reasons(ctx, cancelled, swaps)
	}
	return t.meaning(ctx, err)
}

func (t *table) member(s snapshots.Swap) types.TransactWriteItem {
	condition, values := expression(s.If)
	const allOld = types.ReturnValuesOnConditionCheckFailureAllOld
	if s.Put == nil {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.name, Key: attributes(s.Key), ConditionExpression: condition,
			ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: allOld,
		}}
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &t.name, Item: item(*s.Put), ConditionExpression: condition,
		ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: allOld,
	}}
}

func expression(c snapshots.Condition) (*string, map[string]types.AttributeValue) {
	switch {
	case c.Absent:
		return aws.String("attribute_not_exists(PK)"), nil
	case c.Checksum != "":
		return aws.String("checksum = :checksum"), map[string]types.AttributeValue{":checksum": text(c.Checksum)}
	}
	return nil, nil
}

// reasons reads why a transaction was cancelled, one by one: they are in the order of its members.
// A condition that does not hold is certain, whatever else was in the way.
func (t *table) reasons(ctx context.Context, cancelled *types.TransactionCanceledException, swaps []snapshots.Swap) error {
	mismatch := &snapshots.Mismatch{Stored: map[int]*snapshots.Record{}}
	busy := false
	for i, reason := range cancelled.CancellationReasons {
		switch code := aws.ToString(reason.Code); code {
		case "", "None":
		case "ConditionalCheckFailed":
			mismatch.Stored[i] = stored(reason.Item)
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			busy = true
		default:
			return fmt.Errorf("%s: %s: %s: %w", t.Where(), swaps[i].Key, code, cancelled)
		}
	}
	switch {
	case len(mismatch.Stored) > 0:
		return mismatch
	case busy:
		return fmt.Errorf("%w: %w", snapshots.ErrBusy, cancelled)
	}
	return t.meaning(ctx, cancelled)
}

// meaning says of an error whether the attempt may be made again.
func (t *table) meaning(ctx context.Context, err error) error {
	var missing *types.ResourceNotFoundException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		return fmt.Errorf("%w: there is no %s; deploy aws-hit-breaks there, or name table and region where it is "+
			"(AWS_HIT_BREAKS_TABLE, AWS_REGION)", snapshots.ErrNoTable, t.Where())
	case ctx.Err() != nil:
		return err
	}
	switch awserr.Of(err) {
	case awserr.Throttled, awserr.Busy:
		return fmt.Errorf("%w: %w", snapshots.ErrBusy, err)
	case awserr.Transient:
		return fmt.Errorf("%w: %w", snapshots.ErrUnsure, err)
	default:
		return err
	}
}
