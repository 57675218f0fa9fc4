package awssim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const tableName = "snapshots"

// plain makes items comparable.
var plain = cmpopts.IgnoreUnexported(vS{}, vN{}, vB{}, vBOOL{}, vNULL{}, vM{}, vL{}, vSS{}, vNS{}, vBS{}, ddbtypes.CancellationReason{})

// text and num are values.
func text(s string) value { return &vS{Value: s} }
func num(n string) value  { return &vN{Value: n} }

// at is an item of the given key with attributes given as name, value pairs.
func at(pk, sk string, attributes ...any) item {
	it := itemKey{pk, sk}.item()
	for i := 0; i < len(attributes); i += 2 {
		it[attributes[i].(string)] = attributes[i+1].(value)
	}
	return it
}

// withTable runs do with an account that has one table, and a client.
func withTable(t *testing.T, o Options, do func(t *testing.T, a *Account, client *dynamodb.Client)) {
	t.Helper()
	inBubble(t, o, func(t *testing.T, a *Account) {
		a.AddTable(here, tableName)
		do(t, a, dynamodb.NewFromConfig(a.Process("person").Config()))
		if left := a.Unmodelled(); left != nil {
			t.Errorf("used but not modelled: %v", left)
		}
	})
}

func store(t *testing.T, client *dynamodb.Client, items ...item) {
	t.Helper()
	for _, it := range items {
		if _, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: it}); err != nil {
			t.Fatal(err)
		}
	}
}

func fetch(t *testing.T, client *dynamodb.Client, pk, sk string) item {
	t.Helper()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: at(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

func TestItemsArePutReadAndDeleted(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		first := at("p", "s", "a", text("x"), "n", num("1.50"))
		store(t, client, first)
		if diff := cmp.Diff(at("p", "s", "a", text("x"), "n", num("1.5")), fetch(t, client, "p", "s"), plain); diff != "" {
			t.Errorf("read back, with the number's needless zero gone: %s", diff)
		}
		put, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: at("p", "s", "b", text("y")), ReturnValues: "ALL_OLD"})
		if err != nil || len(put.Attributes) != 4 {
			t.Errorf("the item replaced: %v, %v", put, err)
		}
		if diff := cmp.Diff(at("p", "s", "b", text("y")), fetch(t, client, "p", "s"), plain); diff != "" {
			t.Errorf("a put replaces the whole item: %s", diff)
		}
		gone, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: at("p", "s"), ReturnValues: "ALL_OLD"})
		if err != nil || len(gone.Attributes) != 3 {
			t.Errorf("the item deleted: %v, %v", gone, err)
		}
		if it := fetch(t, client, "p", "s"); it != nil {
			t.Errorf("after the deletion there is %v", it)
		}
		if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: at("p", "s")}); err != nil {
			t.Errorf("deletion of what is not there is no error: %v", err)
		}
	})
}

func TestWhatACallerDoesToItsItemsDoesNotReachTheTable(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		mine := at("p", "s", "a", text("x"))
		store(t, client, mine)
		mine["a"].(*vS).Value = "changed"
		read := fetch(t, client, "p", "s")
		read["a"].(*vS).Value = "changed"
		delete(read, "PK")
		if diff := cmp.Diff(at("p", "s", "a", text("x")), fetch(t, client, "p", "s"), plain); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMissingTableIsNotFound(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		a.RemoveTable(here, tableName)
		_, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(tableName)})
		if missing := (*ddbtypes.ResourceNotFoundException)(nil); !errors.As(err, &missing) {
			t.Errorf("describe: %v", err)
		}
		_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: at("p", "s")})
		if missing := (*ddbtypes.ResourceNotFoundException)(nil); !errors.As(err, &missing) {
			t.Errorf("put: %v", err)
		}
		a.AddTable(here, tableName)
		out, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(tableName)})
		if err != nil || out.Table.TableStatus != "ACTIVE" || len(out.Table.KeySchema) != 2 || *out.Table.KeySchema[0].AttributeName != "PK" {
			t.Errorf("got %v, %v", out, err)
		}
	})
}

func TestItemsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		item item
		want string
	}{
		"without a sort key":            {item{"PK": text("p")}, "Missing the key SK in the item"},
		"with a number as key":          {item{"PK": text("p"), "SK": num("1")}, "Type mismatch for key SK"},
		"with an empty key":             {at("p", ""), "cannot contain an empty string value"},
		"with a sort key over 1 KB":     {at("p", strings.Repeat("s", 1025)), "size limit of 1024 bytes"},
		"over 400 KB":                   {at("p", "s", "a", text(strings.Repeat("x", 400<<10))), "Item size has exceeded the maximum allowed size"},
		"with an empty set":             {at("p", "s", "a", &vSS{}), "may not be empty"},
		"with a set that repeats":       {at("p", "s", "a", &vSS{Value: []string{"x", "x"}}), "contains duplicates"},
		"with a number that is none":    {at("p", "s", "a", num("one")), "cannot be converted to a numeric value"},
		"with a number of 39 digits":    {at("p", "s", "a", num("123456789012345678901234567890123456789")), "38 significant digits"},
		"just under 400 KB":             {at("p", "s", "a", text(strings.Repeat("x", 400<<10-7))), ""},
		"with an empty text and binary": {at("p", "s", "a", text(""), "b", &vB{}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
				_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: tt.item})
				if (err == nil) != (tt.want == "") || err != nil && (code(err) != "ValidationException" || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if stored := len(a.Items(here, tableName)); (stored == 1) != (tt.want == "") {
					t.Errorf("%d items are stored", stored)
				}
			})
		})
	}
}

func TestUpdateReturnsWhatIsAsked(t *testing.T) {
	for asked, want := range map[ddbtypes.ReturnValue]item{
		"NONE":        nil,
		"ALL_OLD":     at("p", "s", "a", text("x"), "n", num("1")),
		"ALL_NEW":     at("p", "s", "a", text("y"), "n", num("1")),
		"UPDATED_OLD": {"a": text("x")},
		"UPDATED_NEW": {"a": text("y")},
	} {
		withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
			store(t, client, at("p", "s", "a", text("x"), "n", num("1")))
			out, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "s"),
				UpdateExpression: aws.String("SET a = :a"), ExpressionAttributeValues: item{":a": text("y")}, ReturnValues: asked})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, out.Attributes, plain); diff != "" {
				t.Errorf("%s: %s", asked, diff)
			}
		})
	}
}

func TestFailedConditionShowsTheItemWhenAsked(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		there := at("p", "s", "a", text("x"))
		store(t, client, there)
		for asked, want := range map[ddbtypes.ReturnValuesOnConditionCheckFailure]item{"NONE": nil, "ALL_OLD": there} {
			_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: at("p", "s", "a", text("new")),
				ConditionExpression: aws.String("attribute_not_exists(PK)"), ReturnValuesOnConditionCheckFailure: asked})
			failed := (*ddbtypes.ConditionalCheckFailedException)(nil)
			if !errors.As(err, &failed) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(want, failed.Item, plain); diff != "" {
				t.Errorf("%s: %s", asked, diff)
			}
		}
		if diff := cmp.Diff(there, fetch(t, client, "p", "s"), plain); diff != "" {
			t.Errorf("a failed condition changed the item: %s", diff)
		}
	})
}

func TestOfManyConditionalPutsOneWins(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, _ *dynamodb.Client) {
		won := make(chan string, 20)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				name := fmt.Sprint("p", i)
				_, err := dynamodb.NewFromConfig(a.Process(name).Config()).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(tableName),
					Item: at("p", "s", "owner", text(name)), ConditionExpression: aws.String("attribute_not_exists(PK)")})
				if err == nil {
					won <- name
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d puts won", len(won))
		}
		if got := a.Items(here, tableName)[0]["owner"].(*vS).Value; got != <-won {
			t.Errorf("the item is of %s", got)
		}
	})
}

func TestEventuallyConsistentReadsMayBeLate(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		late := 0
		for i := range 30 {
			sk := fmt.Sprint("s", i)
			store(t, client, at("p", sk))
			out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: at("p", sk)})
			if err != nil {
				t.Fatal(err)
			}
			if out.Item == nil {
				late++
			}
			if fetch(t, client, "p", sk) == nil {
				t.Error("a consistent read was late")
			}
		}
		if late == 0 || late == 30 {
			t.Errorf("%d of 30 reads were late, want some", late)
		}
		time.Sleep(maxReadLag)
		out, err := client.Query(t.Context(), &dynamodb.QueryInput{TableName: aws.String(tableName), KeyConditionExpression: aws.String("PK = :p"),
			ExpressionAttributeValues: item{":p": text("p")}})
		if err != nil || out.Count != 30 {
			t.Errorf("after the longest lag %d items, %v", out.Count, err)
		}
	})
}

func TestQueries(t *testing.T) {
	sks := func(items []map[string]ddbtypes.AttributeValue) (all []string) {
		for _, it := range items {
			all = append(all, it["SK"].(*vS).Value)
		}
		return all
	}
	for name, tt := range map[string]struct {
		key    string
		values item
		change func(*dynamodb.QueryInput)
		want   []string
		more   string // SK of LastEvaluatedKey
	}{
		"the whole partition, in order": {key: "PK = :p", want: []string{"a1", "a2", "b1", "b2"}},
		"one item":                      {key: "PK = :p AND SK = :s", values: item{":s": text("a2")}, want: []string{"a2"}},
		"a prefix":                      {key: "PK = :p AND begins_with(SK, :s)", values: item{":s": text("b")}, want: []string{"b1", "b2"}},
		"a range with both ends":        {key: "PK = :p AND SK BETWEEN :s AND :t", values: item{":s": text("a2"), ":t": text("b1")}, want: []string{"a2", "b1"}},
		"what is greater":               {key: "SK > :s AND PK = :p", values: item{":s": text("a2")}, want: []string{"b1", "b2"}},
		"backwards": {key: "PK = :p", change: func(in *dynamodb.QueryInput) { in.ScanIndexForward = aws.Bool(false) },
			want: []string{"b2", "b1", "a2", "a1"}},
		"a limit ends the page":             {key: "PK = :p", change: func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(3) }, want: []string{"a1", "a2", "b1"}, more: "b1"},
		"a limit says more even at the end": {key: "PK = :p", change: func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(4) }, want: []string{"a1", "a2", "b1", "b2"}, more: "b2"},
		"from a start key on":               {key: "PK = :p", change: func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = at("p", "a2") }, want: []string{"b1", "b2"}},
		"from a start key that is gone":     {key: "PK = :p", change: func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = at("p", "a3") }, want: []string{"b1", "b2"}},
		"backwards from a start key": {key: "PK = :p", change: func(in *dynamodb.QueryInput) {
			in.ExclusiveStartKey, in.ScanIndexForward = at("p", "b1"), aws.Bool(false)
		}, want: []string{"a2", "a1"}},
		"a filter counts after the limit": {key: "PK = :p", values: item{":n": num("1")}, change: func(in *dynamodb.QueryInput) { in.FilterExpression, in.Limit = aws.String("n > :n"), aws.Int32(2) }, want: []string{"a2"}, more: "a2"},
		"a partition that has never been": {key: "PK = :p", values: item{":p": text("none")}, want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
				for sk, n := range map[string]string{"b2": "4", "a1": "1", "b1": "3", "a2": "2", "zz": "5"} {
					store(t, client, at("p", sk, "n", num(n)))
				}
				store(t, client, at("q", "a1"))
				if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: at("p", "zz")}); err != nil {
					t.Fatal(err)
				}
				in := &dynamodb.QueryInput{TableName: aws.String(tableName), KeyConditionExpression: &tt.key, ConsistentRead: aws.Bool(true),
					ExpressionAttributeValues: item{":p": text("p")}}
				for name, v := range tt.values {
					in.ExpressionAttributeValues[name] = v
				}
				if tt.change != nil {
					tt.change(in)
				}
				out, err := client.Query(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, sks(out.Items)); diff != "" {
					t.Error(diff)
				}
				more := ""
				if out.LastEvaluatedKey != nil {
					more = out.LastEvaluatedKey["SK"].(*vS).Value
				}
				if more != tt.more {
					t.Errorf("the page ends at %q, want %q", more, tt.more)
				}
			})
		})
	}
}

func TestQueryPagesHoldOneMegabyte(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		for i := range 7 {
			store(t, client, at("p", fmt.Sprint("s", i), "a", text(strings.Repeat("x", 300<<10))))
			time.Sleep(time.Second) // 301 write units each
		}
		var pages []int32
		in := &dynamodb.QueryInput{TableName: aws.String(tableName), KeyConditionExpression: aws.String("PK = :p"), ConsistentRead: aws.Bool(true),
			ExpressionAttributeValues: item{":p": text("p")}}
		for p := dynamodb.NewQueryPaginator(client, in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, page.Count)
		}
		if diff := cmp.Diff([]int32{3, 3, 1}, pages); diff != "" {
			t.Error(diff)
		}
	})
}

func TestQueriesThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		in   dynamodb.QueryInput
		want string
	}{
		"without the partition":        {dynamodb.QueryInput{KeyConditionExpression: aws.String("SK = :p")}, "Query condition missed key schema element: PK"},
		"of a range of partitions":     {dynamodb.QueryInput{KeyConditionExpression: aws.String("PK > :p")}, "Query key condition not supported"},
		"by another attribute":         {dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :p AND a = :p")}, "Query condition missed key schema element: SK"},
		"without a condition":          {dynamodb.QueryInput{ExpressionAttributeValues: nil}, "must be specified"},
		"with a limit of nothing":      {dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :p"), Limit: aws.Int32(0)}, "Limit must be greater than or equal to 1"},
		"from a key of elsewhere":      {dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :p"), ExclusiveStartKey: at("q", "s")}, "starting key is invalid"},
		"with a filter on a key":       {dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :p"), FilterExpression: aws.String("attribute_exists(SK)")}, "can only contain non-primary key attributes"},
		"from a key outside the range": {dynamodb.QueryInput{KeyConditionExpression: aws.String("PK = :p AND SK < :p"), ExclusiveStartKey: at("p", "z")}, "does not match the range key predicate"},
	} {
		t.Run(name, func(t *testing.T) {
			withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
				tt.in.TableName = aws.String(tableName)
				tt.in.ExpressionAttributeValues = item{":p": text("p")}
				if _, err := client.Query(t.Context(), &tt.in); code(err) != "ValidationException" || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			})
		})
	}
}

func TestBatchGetReadsWhatIsThere(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		store(t, client, at("p", "s1"), at("q", "s2"))
		get := func(keys ...map[string]ddbtypes.AttributeValue) (*dynamodb.BatchGetItemOutput, error) {
			return client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]ddbtypes.KeysAndAttributes{
				tableName: {Keys: keys, ConsistentRead: aws.Bool(true)}}})
		}
		out, err := get(at("p", "s1"), at("q", "s2"), at("p", "none"))
		if err != nil || len(out.Responses[tableName]) != 2 || len(out.UnprocessedKeys) != 0 {
			t.Errorf("got %v, %v", out, err)
		}
		if _, err = get(at("p", "s1"), at("p", "s1")); code(err) != "ValidationException" {
			t.Errorf("one key twice: %v", err)
		}
		if _, err = get(make([]map[string]ddbtypes.AttributeValue, 101)...); code(err) != "ValidationException" {
			t.Errorf("101 keys: %v", err)
		}
	})
}

func TestBatchGetReturnsWhatAPartitionHasNoCapacityFor(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		var keys []map[string]ddbtypes.AttributeValue
		for i := range 60 {
			k := at("p", fmt.Sprint("s", i))
			keys = append(keys, k)
			store(t, client, at("p", fmt.Sprint("s", i), "a", text(strings.Repeat("x", 390<<10))))
			time.Sleep(time.Second)
		}
		out, err := client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]ddbtypes.KeysAndAttributes{
			tableName: {Keys: keys, ConsistentRead: aws.Bool(true)}}})
		if err != nil {
			t.Fatal(err)
		}
		read, left := len(out.Responses[tableName]), len(out.UnprocessedKeys[tableName].Keys)
		if read == 0 || left == 0 || read+left != 60 {
			t.Errorf("%d read and %d left of 60, want some of each", read, left)
		}
	})
}

func TestPartitionHasSoManyWriteUnits(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, _ *dynamodb.Client) {
		client := dynamodb.NewFromConfig(withoutRetries(a))
		write := func(pk string) error {
			_, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(tableName),
				Item: at(pk, "s", "a", text(strings.Repeat("x", 399<<10)))})
			return err
		}
		for i := range 3 { // 400 units each; what a partition lends it takes back
			if err := write("p"); err != nil {
				t.Errorf("write %d: %v", i, err)
			}
		}
		if err := write("p"); code(err) != "ProvisionedThroughputExceededException" {
			t.Errorf("the fourth in one second: %v", err)
		}
		if err := write("q"); err != nil {
			t.Errorf("in another partition: %v", err)
		}
		time.Sleep(time.Second)
		if err := write("p"); err != nil {
			t.Errorf("a second later: %v", err)
		}
	})
}

func TestDynamoDBParametersThatAreNotModelled(t *testing.T) {
	for name, do := range map[string]func(context.Context, *dynamodb.Client) error{
		"dynamodb:Query with parameters other than expressions": func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.Query(ctx, &dynamodb.QueryInput{TableName: aws.String(tableName), IndexName: aws.String("GSI1"), KeyConditionExpression: aws.String("PK = :p")})
			return err
		},
		"dynamodb:PutItem with parameters other than expressions": func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(tableName), Item: at("p", "s"), ReturnConsumedCapacity: "TOTAL"})
			return err
		},
		"dynamodb:Scan": func(ctx context.Context, c *dynamodb.Client) error {
			_, err := c.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String(tableName)})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, a *Account) {
				a.AddTable(here, tableName)
				err := do(t.Context(), dynamodb.NewFromConfig(a.Process("p").Config()))
				if got := a.Unmodelled(); err == nil || len(got) != 1 || got[0] != name {
					t.Errorf("answered %v, and unmodelled is %q", err, got)
				}
			})
		})
	}
}
