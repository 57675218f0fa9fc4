package awssim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Transactions as https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
// describes them.

// token is a ClientRequestToken of a transaction that was carried out.
type token struct {
	hash  string // of its request
	until time.Time
}

// transactWriteItems does all of its writes or none.
func transactWriteItems(c *call, in *dynamodb.TransactWriteItemsInput) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := c.legacy("TransactWriteItems", asked(in.ReturnConsumedCapacity), in.ReturnItemCollectionMetrics == "SIZE"); err != nil {
		return nil, err
	}
	writes, err := c.parseTransaction(in)
	if err != nil {
		return nil, err
	}
	tokens := c.region.dynamodb.tokens
	id := aws.ToString(in.ClientRequestToken)
	if known, ok := tokens[id]; ok && c.now.Before(known.until) {
		if known.hash == c.hash {
			return &dynamodb.TransactWriteItemsOutput{}, nil
		}
		return nil, withStatus(http.StatusBadRequest, &ddbtypes.IdempotentParameterMismatchException{
			Message: aws.String("The request uses the same client token as a previous, but non-identical request."),
		})
	}
	after := make([]item, len(writes))
	reasons := make([]ddbtypes.CancellationReason, len(writes))
	for i, w := range writes {
		reasons[i] = c.conflict(w)
	}
	if err := canceled(reasons); err != nil {
		return nil, err
	}
	if err := canceled(c.capacity(writes)); err != nil {
		return nil, err
	}
	for i, w := range writes {
		after[i], reasons[i] = c.unmet(w)
	}
	if err := canceled(reasons); err != nil {
		return nil, err
	}
	for i, w := range writes {
		w.commit(c, after[i], true)
	}
	tokens[id] = token{c.hash, c.now.Add(tokenMemory)}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

// parseTransaction reads the members of a transaction and refuses what no state of the table could
// make right.
func (c *call) parseTransaction(in *dynamodb.TransactWriteItemsInput) ([]*write, error) {
	if n := len(in.TransactItems); n < 1 || n > 100 {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length " +
			"less than or equal to 100 and greater than or equal to 1")
	}
	var writes []*write
	size := 0
	for _, t := range in.TransactItems {
		w, err := c.parseMember(t)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(writes, func(o *write) bool { return o.table == w.table && o.key == w.key }) {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		size += sizeOfItem(writeKey(t))
		if t.Update != nil {
			size += sizeOfItem(t.Update.ExpressionAttributeValues)
		}
		writes = append(writes, w)
	}
	if size > maxTransaction {
		return nil, invalid("Collection size of the transaction has exceeded the maximum of 4 MB")
	}
	return writes, nil
}

func (c *call) parseMember(t ddbtypes.TransactWriteItem) (w *write, err error) {
	members := 0
	for _, set := range []bool{t.Put != nil, t.Update != nil, t.Delete != nil, t.ConditionCheck != nil} {
		if set {
			members++
		}
	}
	if members != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	switch {
	case t.Put != nil:
		m := t.Put
		return c.parse(request{table: m.TableName, item: orEmpty(m.Item), condition: m.ConditionExpression, names: m.ExpressionAttributeNames,
			values: m.ExpressionAttributeValues, onFailure: m.ReturnValuesOnConditionCheckFailure})
	case t.Update != nil:
		m := t.Update
		return c.parse(request{table: m.TableName, key: m.Key, update: m.UpdateExpression, condition: m.ConditionExpression,
			names: m.ExpressionAttributeNames, values: m.ExpressionAttributeValues, onFailure: m.ReturnValuesOnConditionCheckFailure})
	case t.Delete != nil:
		m := t.Delete
		w, err = c.parse(request{table: m.TableName, key: m.Key, condition: m.ConditionExpression, names: m.ExpressionAttributeNames,
			values: m.ExpressionAttributeValues, onFailure: m.ReturnValuesOnConditionCheckFailure})
		if err == nil {
			w.remove = true
		}
		return w, err
	}
	m := t.ConditionCheck
	w, err = c.parse(request{table: m.TableName, key: m.Key, condition: m.ConditionExpression, names: m.ExpressionAttributeNames,
		values: m.ExpressionAttributeValues, onFailure: m.ReturnValuesOnConditionCheckFailure})
	if err == nil {
		w.check = true
	}
	return w, err
}

// reason is why one member cancels its transaction.
func reason(code, message string) ddbtypes.CancellationReason {
	r := ddbtypes.CancellationReason{Code: aws.String(code)}
	if message != "" {
		r.Message = aws.String(message)
	}
	return r
}

// conflict: another write of the item took effect while this transaction was under way.
func (c *call) conflict(w *write) ddbtypes.CancellationReason {
	if w.table.record(w.key, false).changed.After(c.sent) && c.conflicts(w.key) {
		return reason("TransactionConflict", "Transaction is ongoing for the item")
	}
	return reason("None", "")
}

// capacity charges the partitions of a transaction, double what single writes cost, and says which
// members meet a partition that has no units left.
func (c *call) capacity(writes []*write) []ddbtypes.CancellationReason {
	type place struct {
		table *table
		pk    string
	}
	units := map[place]float64{}
	for _, w := range writes {
		old := w.table.record(w.key, false).item
		after, err := w.outcome(old)
		if err != nil {
			after = nil // it will be refused, and costs what the item costs
		}
		units[place{w.table, w.key.pk}] += 2 * writeUnits(max(sizeOfItem(old), sizeOfItem(after)))
	}
	charged := map[place]bool{} // whether there was enough
	reasons := make([]ddbtypes.CancellationReason, len(writes))
	for i, w := range writes {
		at := place{w.table, w.key.pk}
		enough, known := charged[at]
		if !known {
			enough = c.spend(w.table, w.key, "writes", partitionWrites, units[at])
			charged[at] = enough
		}
		reasons[i] = reason("None", "")
		if !enough {
			reasons[i] = reason("ThrottlingError", "Throughput exceeds the current capacity of your table or index.")
		}
	}
	return reasons
}

// unmet: the condition of a member does not hold, or its update cannot be made. Otherwise it is the
// item that the member makes.
func (c *call) unmet(w *write) (after item, why ddbtypes.CancellationReason) {
	old := w.table.record(w.key, false).item
	if !w.condition.holds(old) {
		why = reason("ConditionalCheckFailed", "The conditional request failed")
		if w.showOld {
			why.Item = copyItem(old)
		}
		return nil, why
	}
	after, err := w.outcome(old)
	if err != nil {
		return nil, reason("ValidationError", message(err))
	}
	return after, reason("None", "")
}

// canceled is the error for a transaction of which a member has a reason, nil if none has.
func canceled(reasons []ddbtypes.CancellationReason) error {
	var codes []string
	for _, r := range reasons {
		codes = append(codes, *r.Code)
	}
	if !slices.ContainsFunc(codes, func(code string) bool { return code != "None" }) {
		return nil
	}
	return withStatus(http.StatusBadRequest, &ddbtypes.TransactionCanceledException{
		Message:             aws.String("Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"),
		CancellationReasons: reasons,
	})
}

// transactGetItems reads up to a hundred items as they were at one instant.
func transactGetItems(c *call, in *dynamodb.TransactGetItemsInput) (*dynamodb.TransactGetItemsOutput, error) {
	if err := c.legacy("TransactGetItems", asked(in.ReturnConsumedCapacity)); err != nil {
		return nil, err
	}
	if n := len(in.TransactItems); n < 1 || n > 100 {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length " +
			"less than or equal to 100 and greater than or equal to 1")
	}
	out := &dynamodb.TransactGetItemsOutput{}
	var reasons []ddbtypes.CancellationReason
	var keys []itemKey
	for _, member := range in.TransactItems {
		if member.Get == nil {
			return nil, invalid("TransactItems can only contain Get")
		}
		paths, err := c.projected(member.Get.ProjectionExpression, member.Get.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		k, err := keyIn(member.Get.Key)
		if err != nil {
			return nil, err
		}
		t, err := c.table(member.Get.TableName)
		if err != nil {
			return nil, err
		}
		if slices.Contains(keys, k) {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		keys = append(keys, k)
		r := t.record(k, false)
		switch {
		case r.changed.After(c.sent) && c.conflicts(k):
			reasons = append(reasons, reason("TransactionConflict", "Transaction is ongoing for the item"))
		case !c.spend(t, k, "reads", partitionReads, 2*readUnits(sizeOfItem(r.item), true)):
			reasons = append(reasons, reason("ThrottlingError", "Throughput exceeds the current capacity of your table or index."))
		default:
			reasons = append(reasons, reason("None", ""))
		}
		out.Responses = append(out.Responses, ddbtypes.ItemResponse{Item: project(copyItem(r.item), paths)})
	}
	if err := canceled(reasons); err != nil {
		return nil, err
	}
	return out, nil
}
