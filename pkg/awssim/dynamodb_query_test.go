package awssim

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

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
