package awssim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// dynamodbState is DynamoDB in one region: tables with the keys PK and SK, both strings.
type dynamodbState struct {
	tables map[string]*table
	tokens map[string]token // of TransactWriteItems
}

func newDynamoDBState() *dynamodbState {
	return &dynamodbState{tables: map[string]*table{}, tokens: map[string]token{}}
}

func dynamodbOperations() []operation {
	return []operation{
		op("dynamodb", "DescribeTable", false, describeTable),
		op("dynamodb", "DescribeContinuousBackups", false, describeContinuousBackups),
		op("dynamodb", "GetItem", false, getItem),
		op("dynamodb", "BatchGetItem", false, batchGetItem),
		op("dynamodb", "Query", false, query),
		op("dynamodb", "TransactGetItems", false, transactGetItems),
		op("dynamodb", "PutItem", true, putItem),
		op("dynamodb", "UpdateItem", true, updateItem),
		op("dynamodb", "DeleteItem", true, deleteItem),
		op("dynamodb", "TransactWriteItems", true, transactWriteItems),
	}
}

// Limits of https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html, in bytes.
const (
	maxItem        = 400 << 10
	maxPartition   = 2048
	maxSort        = 1024
	maxPage        = 1 << 20
	maxTransaction = 4 << 20
	maxBatch       = 16 << 20
)

// table is one table. Every PK is a partition of its own.
type table struct {
	name       string
	created    time.Time
	status     ddbtypes.TableStatus
	bare       bool // neither recovery to a point in time nor protection from deletion
	partitions map[string]*partition
}

type partition struct {
	sorted  []string // SKs, also of items that are gone
	records map[string]*record
}

// record is the place of one item, and what is needed to read it late and to notice conflicts.
type record struct {
	item       item // nil: there is none
	before     item // until the latest write
	changed    time.Time
	transacted time.Time // when a transaction last wrote it
}

// itemKey is the key of an item.
type itemKey struct{ pk, sk string }

func (k itemKey) String() string { return k.pk + " " + k.sk }

func (k itemKey) item() item { return item{"PK": &vS{Value: k.pk}, "SK": &vS{Value: k.sk}} }

// keyOf is the key in an item.
func keyOf(it item) (itemKey, error) {
	var k itemKey
	for i, part := range []*string{&k.pk, &k.sk} {
		name := []string{"PK", "SK"}[i]
		v, ok := it[name]
		if !ok {
			return k, invalid("One or more parameter values were invalid: Missing the key " + name + " in the item")
		}
		s, ok := v.(*vS)
		if !ok {
			return k, invalid("One or more parameter values were invalid: Type mismatch for key " + name + " expected: S actual: " + typeName(v))
		}
		*part = s.Value
	}
	switch {
	case k.pk == "" || k.sk == "":
		return k, invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value.")
	case len(k.pk) > maxPartition:
		return k, invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case len(k.sk) > maxSort:
		return k, invalid("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return k, nil
}

// keyIn is the key in a parameter that holds nothing else.
func keyIn(key item) (itemKey, error) {
	k, err := keyOf(key)
	if len(key) != 2 {
		return k, invalid("The provided key element does not match the schema")
	}
	return k, err
}

// AddTable makes an empty table with the string keys PK and SK in an enabled region.
func (a *Account) AddTable(region, name string) {
	a.look(func(now time.Time) {
		a.mustRegion(region).dynamodb.tables[name] = &table{name: name, created: now, status: ddbtypes.TableStatusActive, partitions: map[string]*partition{}}
	})
}

// SetTable changes the state of a table ("INACCESSIBLE_ENCRYPTION_CREDENTIALS" is that of one whose key
// is lost), and whether it is bare: without recovery to a point in time and protection from deletion.
func (a *Account) SetTable(region, name, status string, bare bool) {
	a.look(func(time.Time) {
		t := a.mustRegion(region).dynamodb.tables[name]
		t.status, t.bare = ddbtypes.TableStatus(status), bare
	})
}

// RemoveTable deletes a table as a person would.
func (a *Account) RemoveTable(region, name string) {
	a.look(func(time.Time) { delete(a.mustRegion(region).dynamodb.tables, name) })
}

// Items are all items of a table, in the order of PK and SK; nil if there is no such table.
func (a *Account) Items(region, name string) (all []map[string]ddbtypes.AttributeValue) {
	a.look(func(time.Time) {
		t := a.mustRegion(region).dynamodb.tables[name]
		if t == nil {
			return
		}
		for _, pk := range sortedKeys(t.partitions) {
			p := t.partitions[pk]
			for _, sk := range p.sorted {
				if r := p.records[sk]; r.item != nil {
					all = append(all, copyItem(r.item))
				}
			}
		}
	})
	return all
}

// table finds a table by name or ARN.
func (c *call) table(name *string) (*table, error) {
	_, short, isARN := strings.Cut(aws.ToString(name), ":table/")
	if !isARN {
		short = aws.ToString(name)
	}
	t := c.region.dynamodb.tables[short]
	if t == nil {
		return nil, withStatus(http.StatusBadRequest, &ddbtypes.ResourceNotFoundException{Message: aws.String("Requested resource not found")})
	}
	return t, nil
}

// record is the place of a key; it is made when it is first written.
func (t *table) record(k itemKey, make bool) *record {
	p := t.partitions[k.pk]
	if p == nil {
		p = &partition{records: map[string]*record{}}
		if make {
			t.partitions[strings.Clone(k.pk)] = p
		}
	}
	r := p.records[k.sk]
	if r == nil {
		r = &record{}
		if make {
			sk := strings.Clone(k.sk) // who wrote it does not hold what is stored
			p.records[sk] = r
			at, _ := slices.BinarySearch(p.sorted, sk)
			p.sorted = slices.Insert(p.sorted, at, sk)
		}
	}
	return r
}

// read is what a read of the record sees: an eventually consistent one may miss the latest write.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
func (c *call) read(r *record, k itemKey, consistent bool) item {
	if consistent {
		return r.item
	}
	lag := c.account.vary(fmt.Sprint("read lag ", k, r.changed.UnixNano()), 0, maxReadLag)
	if c.now.Before(r.changed.Add(lag)) {
		return r.before
	}
	return r.item
}

// spend takes units from the partition of a key. A partition that still has units lets a request
// through whole, and pays it back before the next.
func (c *call) spend(t *table, k itemKey, kind string, r rate, units float64) bool {
	name := fmt.Sprint(c.region.name, " dynamodb ", t.name, " ", k.pk, " ", kind)
	if !c.account.take(name, r, 1, c.now) {
		return false
	}
	c.account.buckets[name].tokens -= units - 1
	return true
}

// writeUnits and readUnits count capacity as
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html does.
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if !consistent {
		units /= 2
	}
	return units
}

func describeTable(c *call, in *dynamodb.DescribeTableInput) (*dynamodb.DescribeTableOutput, error) {
	t, err := c.table(in.TableName)
	if err != nil {
		return nil, err
	}
	return &dynamodb.DescribeTableOutput{Table: &ddbtypes.TableDescription{
		TableName:        aws.String(t.name),
		TableArn:         aws.String("arn:aws:dynamodb:" + c.region.name + ":" + c.account.id + ":table/" + t.name),
		TableStatus:      t.status,
		CreationDateTime: aws.Time(t.created),
		AttributeDefinitions: []ddbtypes.AttributeDefinition{
			{AttributeName: aws.String("PK"), AttributeType: ddbtypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("SK"), AttributeType: ddbtypes.ScalarAttributeTypeS},
		},
		KeySchema: []ddbtypes.KeySchemaElement{
			{AttributeName: aws.String("PK"), KeyType: ddbtypes.KeyTypeHash},
			{AttributeName: aws.String("SK"), KeyType: ddbtypes.KeyTypeRange},
		},
		BillingModeSummary:        &ddbtypes.BillingModeSummary{BillingMode: ddbtypes.BillingModePayPerRequest},
		DeletionProtectionEnabled: aws.Bool(!t.bare),
	}}, nil
}

// describeContinuousBackups: continuous backups are of every table, recovery to a point in time of those
// where it is enabled
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html).
func describeContinuousBackups(c *call, in *dynamodb.DescribeContinuousBackupsInput) (*dynamodb.DescribeContinuousBackupsOutput, error) {
	t := c.region.dynamodb.tables[aws.ToString(in.TableName)]
	if t == nil {
		return nil, withStatus(http.StatusBadRequest, &ddbtypes.TableNotFoundException{
			Message: aws.String("Table not found: " + aws.ToString(in.TableName)),
		})
	}
	recovery := &ddbtypes.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: ddbtypes.PointInTimeRecoveryStatusDisabled}
	if !t.bare {
		recovery = &ddbtypes.PointInTimeRecoveryDescription{
			PointInTimeRecoveryStatus: ddbtypes.PointInTimeRecoveryStatusEnabled, RecoveryPeriodInDays: aws.Int32(35),
			EarliestRestorableDateTime: aws.Time(t.created), LatestRestorableDateTime: aws.Time(c.now.Add(-5 * time.Minute)),
		}
	}
	return &dynamodb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: &ddbtypes.ContinuousBackupsDescription{
		ContinuousBackupsStatus: ddbtypes.ContinuousBackupsStatusEnabled, PointInTimeRecoveryDescription: recovery,
	}}, nil
}

// legacy refuses the parameters that expressions replaced, and those whose answers are not modelled.
func (c *call) legacy(operation string, used ...bool) error {
	if slices.Contains(used, true) {
		return c.unmodelled("dynamodb:" + operation + " with parameters other than expressions")
	}
	return nil
}
