package dynamo

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"aws-hit-breaks/snapshots"
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func attributes(key snapshots.Key) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": text(key.PK), "SK": text(key.SK)}
}

// item is a record as DynamoDB stores it.
func item(r snapshots.Record) map[string]types.AttributeValue {
	item := attributes(r.Key)
	item["V"] = &types.AttributeValueMemberN{Value: strconv.Itoa(r.Version)}
	item["body"] = text(r.Body)
	item["checksum"] = text(r.Checksum)
	if r.Expires != 0 {
		item[TTLAttribute] = &types.AttributeValueMemberN{Value: strconv.FormatInt(r.Expires, 10)}
	}
	return item
}

// stored reads an item as it is, nil where there is none. An attribute that is missing or of
// another type reads as its zero value, which no valid record has.
func stored(item map[string]types.AttributeValue) *snapshots.Record {
	if len(item) == 0 {
		return nil
	}
	return &snapshots.Record{
		Key:     snapshots.Key{PK: textOf(item["PK"]), SK: textOf(item["SK"])},
		Version: int(numberOf(item["V"])), Body: textOf(item["body"]), Checksum: textOf(item["checksum"]),
		Expires: numberOf(item[TTLAttribute]),
	}
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numberOf(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	return 0
}
