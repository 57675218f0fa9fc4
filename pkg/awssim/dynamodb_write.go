package awssim

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// write is one write of one item, alone or in a transaction. Exactly one of put, update, remove and
// check says what it does.
type write struct {
	table     *table
	key       itemKey
	put       item
	update    *update
	remove    bool
	check     bool
	condition condition
	showOld   bool // answer a failed condition with the item as it is
}

// request is what the four kinds of writes have in common.
type request struct {
	table     *string
	item, key item // of a put; of any other
	update    *string
	condition *string
	names     map[string]string
	values    item
	onFailure ddbtypes.ReturnValuesOnConditionCheckFailure
}

// parse reads a request and refuses what DynamoDB refuses without looking at the item.
func (c *call) parse(r request) (*write, error) {
	if (r.names != nil || r.values != nil) && r.update == nil && r.condition == nil {
		return nil, invalid("ExpressionAttributeNames and ExpressionAttributeValues can only be specified when using expressions")
	}
	with, err := newPlaceholders(r.names, r.values)
	if err != nil {
		return nil, err
	}
	w := &write{showOld: r.onFailure == ddbtypes.ReturnValuesOnConditionCheckFailureAllOld}
	if w.update, err = parse("UpdateExpression", r.update, with, (*parser).update); err != nil {
		return nil, err
	}
	if w.condition, err = parse("ConditionExpression", r.condition, with, (*parser).condition); err != nil {
		return nil, err
	}
	if err := with.unused(); err != nil {
		return nil, err
	}
	if r.item != nil {
		if w.key, err = keyOf(r.item); err != nil {
			return nil, err
		}
		if w.put, err = cloneItem(r.item); err != nil {
			return nil, err
		}
		if sizeOfItem(w.put) > maxItem {
			return nil, invalid("Item size has exceeded the maximum allowed size")
		}
	} else if w.key, err = keyIn(r.key); err != nil {
		return nil, err
	}
	w.table, err = c.table(r.table)
	return w, err
}

// outcome is the item after the write; nil is none.
func (w *write) outcome(old item) (item, error) {
	switch {
	case w.put != nil:
		return w.put, nil
	case w.remove:
		return nil, nil
	case w.check:
		return old, nil
	}
	base := old
	if base == nil {
		base = w.key.item()
	}
	after, err := w.update.apply(base)
	if err == nil && sizeOfItem(after) > maxItem {
		err = invalid("Item size to update has exceeded the maximum allowed size")
	}
	return after, err
}

// commit puts the outcome into the table.
func (w *write) commit(c *call, after item, inTransaction bool) {
	if w.check {
		return
	}
	r := w.table.record(w.key, true)
	r.before, r.item, r.changed = r.item, after, c.now
	if inTransaction {
		r.transacted = c.now
	}
}

// alone does a write that is no part of a transaction and returns the item before and after.
func (c *call) alone(w *write) (old, after item, err error) {
	r := w.table.record(w.key, false)
	old = r.item
	if r.transacted.After(c.sent) && c.conflicts(w.key) {
		return nil, nil, withStatus(http.StatusBadRequest, &ddbtypes.TransactionConflictException{
			Message: aws.String("Transaction is ongoing for the item"),
		})
	}
	if after, err = w.outcome(old); err != nil && w.condition.holds(old) {
		return nil, nil, err
	}
	if !c.spend(w.table, w.key, "writes", partitionWrites, writeUnits(max(sizeOfItem(old), sizeOfItem(after)))) {
		return nil, nil, tooFast("dynamodb")
	}
	if !w.condition.holds(old) {
		failed := &ddbtypes.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
		if w.showOld {
			failed.Item = copyItem(old)
		}
		return nil, nil, withStatus(http.StatusBadRequest, failed)
	}
	w.commit(c, after, false)
	return old, after, nil
}

// conflicts decides by the seed whether two overlapping writes of an item, of which at least one is
// a transaction, get in each other's way.
func (c *call) conflicts(k itemKey) bool {
	part := float64(hash(c.account.seed, "conflict", c.key, k.String())>>11) / (1 << 53)
	return part < c.account.conflictRate
}

func putItem(c *call, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
	if err := c.legacy("PutItem", in.Expected != nil, in.ConditionalOperator != "", asked(in.ReturnConsumedCapacity), in.ReturnItemCollectionMetrics == "SIZE"); err != nil {
		return nil, err
	}
	if rv := cmp.Or(in.ReturnValues, ddbtypes.ReturnValueNone); rv != ddbtypes.ReturnValueNone && rv != ddbtypes.ReturnValueAllOld {
		return nil, invalid("Return values set to invalid value")
	}
	w, err := c.parse(request{table: in.TableName, item: orEmpty(in.Item), condition: in.ConditionExpression, names: in.ExpressionAttributeNames,
		values: in.ExpressionAttributeValues, onFailure: in.ReturnValuesOnConditionCheckFailure})
	if err != nil {
		return nil, err
	}
	old, _, err := c.alone(w)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.PutItemOutput{}
	if in.ReturnValues == ddbtypes.ReturnValueAllOld {
		out.Attributes = copyItem(old)
	}
	return out, nil
}

// orEmpty makes an absent item one without attributes, which then lacks its key.
func orEmpty(it item) item {
	if it == nil {
		return item{}
	}
	return it
}

func asked(r ddbtypes.ReturnConsumedCapacity) bool {
	return cmp.Or(r, ddbtypes.ReturnConsumedCapacityNone) != ddbtypes.ReturnConsumedCapacityNone
}

func deleteItem(c *call, in *dynamodb.DeleteItemInput) (*dynamodb.DeleteItemOutput, error) {
	if err := c.legacy("DeleteItem", in.Expected != nil, in.ConditionalOperator != "", asked(in.ReturnConsumedCapacity), in.ReturnItemCollectionMetrics == "SIZE"); err != nil {
		return nil, err
	}
	if rv := cmp.Or(in.ReturnValues, ddbtypes.ReturnValueNone); rv != ddbtypes.ReturnValueNone && rv != ddbtypes.ReturnValueAllOld {
		return nil, invalid("Return values set to invalid value")
	}
	w, err := c.parse(request{table: in.TableName, key: in.Key, condition: in.ConditionExpression, names: in.ExpressionAttributeNames,
		values: in.ExpressionAttributeValues, onFailure: in.ReturnValuesOnConditionCheckFailure})
	if err != nil {
		return nil, err
	}
	w.remove = true
	old, _, err := c.alone(w)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.DeleteItemOutput{}
	if in.ReturnValues == ddbtypes.ReturnValueAllOld {
		out.Attributes = copyItem(old)
	}
	return out, nil
}

func updateItem(c *call, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	if err := c.legacy("UpdateItem", in.Expected != nil, in.AttributeUpdates != nil, in.ConditionalOperator != "",
		asked(in.ReturnConsumedCapacity), in.ReturnItemCollectionMetrics == "SIZE"); err != nil {
		return nil, err
	}
	w, err := c.parse(request{table: in.TableName, key: in.Key, update: in.UpdateExpression, condition: in.ConditionExpression,
		names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues, onFailure: in.ReturnValuesOnConditionCheckFailure})
	if err != nil {
		return nil, err
	}
	if w.update == nil {
		w.update = &update{} // it only makes sure that the item is there
	}
	returnUpdated := in.ReturnValues == ddbtypes.ReturnValueUpdatedOld || in.ReturnValues == ddbtypes.ReturnValueUpdatedNew
	if returnUpdated && slices.ContainsFunc(w.update.paths(), func(at path) bool { return len(at) > 1 }) {
		return nil, c.unmodelled("dynamodb:UpdateItem ReturnValues of an update inside an attribute")
	}
	old, after, err := c.alone(w)
	if err != nil {
		return nil, err
	}
	out := &dynamodb.UpdateItemOutput{}
	switch in.ReturnValues {
	case ddbtypes.ReturnValueAllOld:
		out.Attributes = copyItem(old)
	case ddbtypes.ReturnValueAllNew:
		out.Attributes = copyItem(after)
	case ddbtypes.ReturnValueUpdatedOld:
		out.Attributes = w.update.touched(old)
	case ddbtypes.ReturnValueUpdatedNew:
		out.Attributes = w.update.touched(after)
	case ddbtypes.ReturnValueNone:
	}
	return out, nil
}

// touched is what an item has at the paths of an update, as UPDATED_OLD and UPDATED_NEW return it.
func (u *update) touched(it item) item {
	var some item
	for _, at := range u.paths() {
		if v := at.find(it); v != nil {
			if some == nil {
				some = item{}
			}
			some[at[0].name] = v
		}
	}
	return copyItem(some)
}
