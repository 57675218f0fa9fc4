package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// attributes are one item of the table, as it lies there.
type attributes map[string]ddbtypes.AttributeValue

func (a attributes) text(name string) string {
	if s, ok := a[name].(*ddbtypes.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func (a attributes) key() string { return a.text("PK") + " " + a.text("SK") }

// class is the first word of the sort key: LIVE, SNAPSHOT, SEEN, LEASE, COVERAGE, ORIGINAL, PART, STATE.
func (a attributes) class() string {
	word, _, _ := strings.Cut(a.text("SK"), "#")
	return word
}

// resource is the name by which awssim's states know what the item is about; empty for what is not
// about one resource.
func (a attributes) resource() string {
	sk := strings.Split(a.text("SK"), "#")
	if len(sk) < 3 {
		return ""
	}
	pk := strings.Split(a.text("PK"), "#")
	return pk[2] + " " + sk[1] + " " + sk[2]
}

// id is that of the resource.
func (a attributes) id() string { return a.resource()[strings.LastIndex(a.resource(), " ")+1:] }

// with is a copy with other values of some attributes; nil removes one.
func (a attributes) with(other attributes) attributes {
	changed := maps.Clone(a)
	for name, value := range other {
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
	}
	return changed
}

func textValue(s string) ddbtypes.AttributeValue { return &ddbtypes.AttributeValueMemberS{Value: s} }

func numberValue(digits string) ddbtypes.AttributeValue {
	return &ddbtypes.AttributeValueMemberN{Value: digits}
}

// forged is a copy with another body and a checksum that is right for it: what no accident makes, but
// another program may. It is a second reading of the format, so that a change of that does not go
// unnoticed.
func (a attributes) forged(body string) attributes {
	hash := sha256.New()
	for _, field := range []string{a.text("PK"), a.text("SK"), a["V"].(*ddbtypes.AttributeValueMemberN).Value, body} {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		hash.Write([]byte(field))
	}
	return a.with(attributes{"body": textValue(body), "checksum": textValue(hex.EncodeToString(hash.Sum(nil)))})
}

// vandal writes to the table behind the switch's back.
type vandal struct {
	w  *world
	db *dynamodb.Client
}

func (w *world) vandal() vandal {
	return vandal{w, dynamodb.NewFromConfig(w.start("vandal").Config())}
}

// stored is the newest snapshot, item by item: LIVE, its header, the records of the alarms, and each
// shard.
func (v vandal) stored() []attributes {
	v.w.t.Helper()
	s := v.w.snapshot()
	partitions := []string{"ACCOUNT#" + s.Header.Account}
	for _, o := range s.Header.Orders {
		if o.Alarm != nil {
			partitions = append(partitions, "ALARM#"+o.Alarm.ID)
		}
	}
	for _, region := range s.Live.Regions {
		partitions = append(partitions, "SNAPSHOT#"+s.Header.Snapshot+"#"+region)
	}
	var items []attributes
	for _, pk := range partitions {
		items = append(items, v.partition(pk)...)
	}
	return items
}

func (v vandal) partition(pk string) []attributes {
	v.w.t.Helper()
	pages := dynamodb.NewQueryPaginator(v.db, &dynamodb.QueryInput{
		TableName: aws.String(table), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :pk"),
		ExpressionAttributeValues: attributes{":pk": textValue(pk)},
	})
	var items []attributes
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			v.w.t.Fatalf("read partition %s: %v", pk, err)
		}
		for _, item := range page.Items {
			items = append(items, item)
		}
	}
	return items
}

func (v vandal) put(item attributes) {
	v.w.t.Helper()
	if _, err := v.db.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: item}); err != nil {
		v.w.t.Fatalf("put %s: %v", item.key(), err)
	}
}

func (v vandal) remove(item attributes) {
	v.w.t.Helper()
	if _, err := v.db.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: aws.String(table), Key: attributes{"PK": item["PK"], "SK": item["SK"]},
	}); err != nil {
		v.w.t.Fatalf("remove %s: %v", item.key(), err)
	}
}

// wreck does the damage.
func (v vandal) wreck(d damage) {
	v.w.t.Helper()
	if !slices.ContainsFunc(d.becomes, func(item attributes) bool { return item.key() == d.was.key() }) {
		v.remove(d.was)
	}
	for _, item := range d.becomes {
		v.put(item)
	}
}

// repair puts back what was there before the damage: the item, and what it may have been moved over.
func (v vandal) repair(d damage, items []attributes) {
	v.w.t.Helper()
	for _, item := range d.becomes {
		over := slices.IndexFunc(items, func(i attributes) bool { return i.key() == item.key() })
		if over < 0 {
			v.remove(item)
		} else if items[over].key() != d.was.key() {
			v.put(items[over])
		}
	}
	v.put(d.was)
}
