package awssim

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func getItem(c *call, in *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) {
	if err := c.legacy("GetItem", in.AttributesToGet != nil, asked(in.ReturnConsumedCapacity)); err != nil {
		return nil, err
	}
	paths, err := c.projected(in.ProjectionExpression, in.ExpressionAttributeNames)
	if err != nil {
		return nil, err
	}
	k, err := keyIn(in.Key)
	if err != nil {
		return nil, err
	}
	t, err := c.table(in.TableName)
	if err != nil {
		return nil, err
	}
	it := c.read(t.record(k, false), k, aws.ToBool(in.ConsistentRead))
	if !c.spend(t, k, "reads", partitionReads, readUnits(sizeOfItem(it), aws.ToBool(in.ConsistentRead))) {
		return nil, tooFast("dynamodb")
	}
	return &dynamodb.GetItemOutput{Item: project(copyItem(it), paths)}, nil
}

// projected reads a projection that is a request's only expression.
func (c *call) projected(expression *string, names map[string]string) ([]path, error) {
	if expression == nil && names != nil {
		return nil, invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	with, err := newPlaceholders(names, nil)
	if err != nil {
		return nil, err
	}
	paths, err := c.projection(expression, with)
	if err != nil {
		return nil, err
	}
	return paths, with.unused()
}

// batchGetItem reads up to a hundred items of any partitions. What a partition has no capacity for,
// or what would not fit into 16 MB, comes back as unprocessed.
func batchGetItem(c *call, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	if err := c.legacy("BatchGetItem", asked(in.ReturnConsumedCapacity)); err != nil {
		return nil, err
	}
	out := &dynamodb.BatchGetItemOutput{
		Responses: map[string][]map[string]ddbtypes.AttributeValue{}, UnprocessedKeys: map[string]ddbtypes.KeysAndAttributes{},
	}
	wanted, size, done := 0, 0, 0
	for _, name := range sortedKeys(in.RequestItems) {
		asked := in.RequestItems[name]
		if wanted += len(asked.Keys); wanted > 100 {
			return nil, invalid("Too many items requested for the BatchGetItem call")
		}
		if err := c.legacy("BatchGetItem", asked.AttributesToGet != nil); err != nil {
			return nil, err
		}
		paths, err := c.projected(asked.ProjectionExpression, asked.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		t, keys, err := c.batch(name, asked.Keys)
		if err != nil {
			return nil, err
		}
		left := asked
		left.Keys = nil
		for i, k := range keys {
			it := c.read(t.record(k, false), k, aws.ToBool(asked.ConsistentRead))
			if size+sizeOfItem(it) > maxBatch || !c.spend(t, k, "reads", partitionReads, readUnits(sizeOfItem(it), aws.ToBool(asked.ConsistentRead))) {
				left.Keys = append(left.Keys, asked.Keys[i])
				continue
			}
			done++
			size += sizeOfItem(it)
			if it != nil {
				out.Responses[name] = append(out.Responses[name], project(copyItem(it), paths))
			}
		}
		if len(left.Keys) > 0 {
			out.UnprocessedKeys[name] = left
		}
	}
	switch {
	case wanted == 0:
		return nil, invalid("The batch read request list is empty")
	case done == 0:
		return nil, tooFast("dynamodb")
	}
	return out, nil
}

// batch reads the keys asked of one table; none may come twice.
func (c *call) batch(name string, all []item) (*table, []itemKey, error) {
	var keys []itemKey
	for _, key := range all {
		k, err := keyIn(key)
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(keys, k) {
			return nil, nil, invalid("Provided list of item keys contains duplicates")
		}
		keys = append(keys, k)
	}
	t, err := c.table(&name)
	return t, keys, err
}

// query reads a page of one partition, up to Limit items or 1 MB.
func query(c *call, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	if err := c.legacy("Query", in.IndexName != nil, in.AttributesToGet != nil, in.KeyConditions != nil, in.QueryFilter != nil,
		in.ConditionalOperator != "", asked(in.ReturnConsumedCapacity)); err != nil {
		return nil, err
	}
	q, err := c.parseQuery(in)
	if err != nil {
		return nil, err
	}
	t, err := c.table(in.TableName)
	if err != nil {
		return nil, err
	}
	k := itemKey{pk: q.pk}
	page := c.page(t, q, in)
	if !c.spend(t, k, "reads", partitionReads, readUnits(page.size, aws.ToBool(in.ConsistentRead))) {
		return nil, tooFast("dynamodb")
	}
	out := &dynamodb.QueryOutput{ScannedCount: int32(page.scanned)}
	if page.more {
		out.LastEvaluatedKey = page.last.item()
	}
	out.Count = int32(len(page.items))
	if in.Select != ddbtypes.SelectCount {
		out.Items = page.items
	}
	return out, nil
}

// parsedQuery is a Query as its expressions say it.
type parsedQuery struct {
	keyCondition
	filter     condition
	projection []path
}

func (c *call) parseQuery(in *dynamodb.QueryInput) (q parsedQuery, err error) {
	if in.KeyConditionExpression == nil {
		return q, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if in.Limit != nil && *in.Limit < 1 {
		return q, invalid("Limit must be greater than or equal to 1")
	}
	switch in.Select {
	case "", ddbtypes.SelectAllAttributes, ddbtypes.SelectCount, ddbtypes.SelectSpecificAttributes:
	default:
		return q, c.unmodelled("dynamodb:Query Select " + string(in.Select))
	}
	with, err := newPlaceholders(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return q, err
	}
	if q.keyCondition, err = parse("KeyConditionExpression", in.KeyConditionExpression, with, (*parser).keyCondition); err != nil {
		return q, err
	}
	if q.filter, err = parse("FilterExpression", in.FilterExpression, with, (*parser).filter); err != nil {
		return q, err
	}
	if q.projection, err = c.projection(in.ProjectionExpression, with); err != nil {
		return q, err
	}
	if in.ExclusiveStartKey != nil {
		from, err := keyIn(in.ExclusiveStartKey)
		switch {
		case err != nil || from.pk != q.pk:
			return q, invalid("The provided starting key is invalid")
		case !q.sk.holds(in.ExclusiveStartKey):
			return q, invalid("The provided starting key does not match the range key predicate")
		}
	}
	return q, with.unused()
}

// queryPage is what one Query returns.
type queryPage struct {
	items         []map[string]ddbtypes.AttributeValue
	scanned, size int
	more          bool
	last          itemKey
}

func (c *call) page(t *table, q parsedQuery, in *dynamodb.QueryInput) (page queryPage) {
	p := t.partitions[q.pk]
	if p == nil {
		return page
	}
	backward := in.ScanIndexForward != nil && !*in.ScanIndexForward
	sks := slices.Clone(p.sorted)
	if backward {
		slices.Reverse(sks)
	}
	var from string
	if in.ExclusiveStartKey != nil {
		from = in.ExclusiveStartKey["SK"].(*vS).Value
	}
	for _, sk := range sks {
		if from != "" && (!backward && sk <= from || backward && sk >= from) {
			continue
		}
		k := itemKey{q.pk, sk}
		it := c.read(p.records[sk], k, aws.ToBool(in.ConsistentRead))
		if it == nil || !q.sk.holds(it) {
			continue
		}
		if page.scanned > 0 && page.size+sizeOfItem(it) > maxPage {
			page.more = true
			return page
		}
		page.last = k
		page.scanned++
		page.size += sizeOfItem(it)
		if q.filter.holds(it) {
			page.items = append(page.items, project(copyItem(it), q.projection))
		}
		if in.Limit != nil && page.scanned == int(*in.Limit) {
			page.more = true // even when nothing follows: DynamoDB does not look ahead
			return page
		}
	}
	return page
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), strings.Compare)
}
