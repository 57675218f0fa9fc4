package awssim

import (
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
