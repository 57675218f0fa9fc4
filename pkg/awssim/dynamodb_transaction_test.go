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
)

// The members of a transaction.
func putMember(it item, condition string) ddbtypes.TransactWriteItem {
	put := &ddbtypes.Put{TableName: aws.String(tableName), Item: it, ReturnValuesOnConditionCheckFailure: "ALL_OLD"}
	if condition != "" {
		put.ConditionExpression = &condition
	}
	return ddbtypes.TransactWriteItem{Put: put}
}

func addMember(pk, sk string) ddbtypes.TransactWriteItem {
	return ddbtypes.TransactWriteItem{Update: &ddbtypes.Update{TableName: aws.String(tableName), Key: at(pk, sk),
		UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: used(":one")}}
}

func deleteMember(pk, sk string) ddbtypes.TransactWriteItem {
	return ddbtypes.TransactWriteItem{Delete: &ddbtypes.Delete{TableName: aws.String(tableName), Key: at(pk, sk)}}
}

func checkMember(pk, sk, condition string) ddbtypes.TransactWriteItem {
	return ddbtypes.TransactWriteItem{ConditionCheck: &ddbtypes.ConditionCheck{TableName: aws.String(tableName), Key: at(pk, sk),
		ConditionExpression: &condition, ExpressionAttributeValues: used(condition)}}
}

func transact(t *testing.T, client *dynamodb.Client, members ...ddbtypes.TransactWriteItem) error {
	t.Helper()
	_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: members})
	return err
}

// reasonsOf are the codes of a cancelled transaction, "" for another error or none.
func reasonsOf(err error) string {
	canceled := (*ddbtypes.TransactionCanceledException)(nil)
	if !errors.As(err, &canceled) {
		return ""
	}
	var codes []string
	for _, r := range canceled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	return strings.Join(codes, " ")
}

func TestTransactionDoesAllOrNothing(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		store(t, client, at("p", "count", "n", num("1")), at("p", "old"), at("p", "guard", "a", text("xyz")))
		time.Sleep(time.Second)
		members := []ddbtypes.TransactWriteItem{
			putMember(at("p", "new"), "attribute_not_exists(PK)"), addMember("p", "count"), deleteMember("p", "old"), checkMember("p", "guard", "a = :x"),
		}
		before := a.Items(here, tableName)
		err := transact(t, client, members...)
		if got := reasonsOf(err); got != "None None None ConditionalCheckFailed" {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(before, a.Items(here, tableName), plain); diff != "" {
			t.Errorf("a cancelled transaction changed something: %s", diff)
		}
		members[3] = checkMember("p", "guard", "a = :a")
		if err := transact(t, client, members...); err != nil {
			t.Fatal(err)
		}
		want := []map[string]ddbtypes.AttributeValue{at("p", "count", "n", num("2")), at("p", "guard", "a", text("xyz")), at("p", "new")}
		if diff := cmp.Diff(want, a.Items(here, tableName), plain); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCancellationShowsTheItemInTheWay(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		there := at("p", "s", "a", text("first"))
		store(t, client, there)
		err := transact(t, client, putMember(at("p", "other"), ""), putMember(at("p", "s", "a", text("second")), "attribute_not_exists(PK)"))
		canceled := (*ddbtypes.TransactionCanceledException)(nil)
		if !errors.As(err, &canceled) {
			t.Fatal(err)
		}
		want := []ddbtypes.CancellationReason{{Code: aws.String("None")},
			{Code: aws.String("ConditionalCheckFailed"), Message: aws.String("The conditional request failed"), Item: there}}
		if diff := cmp.Diff(want, canceled.CancellationReasons, plain); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTransactionsThatAreRefused(t *testing.T) {
	var many []ddbtypes.TransactWriteItem
	for i := range 101 {
		many = append(many, putMember(at("p", fmt.Sprint(i)), ""))
	}
	var big []ddbtypes.TransactWriteItem
	for i := range 11 {
		big = append(big, putMember(at("p", fmt.Sprint(i), "a", text(strings.Repeat("x", 390<<10))), ""))
	}
	for name, tt := range map[string]struct {
		members []ddbtypes.TransactWriteItem
		want    string
	}{
		"101 members":                {many, "length less than or equal to 100"},
		"a hundred members":          {many[:100], ""},
		"over 4 MB":                  {big, "maximum of 4 MB"},
		"two operations on one item": {[]ddbtypes.TransactWriteItem{addMember("p", "s"), checkMember("p", "s", "attribute_exists(PK)")}, "multiple operations on one item"},
		"a member that is nothing":   {[]ddbtypes.TransactWriteItem{{}}, "can only contain one of"},
		"a member with bad syntax":   {[]ddbtypes.TransactWriteItem{checkMember("p", "s", "a = = :x")}, "Syntax error"},
	} {
		t.Run(name, func(t *testing.T) {
			withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
				err := transact(t, client, tt.members...)
				if tt.want == "" && err != nil || tt.want != "" && (code(err) != "ValidationException" || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if stored := len(a.Items(here, tableName)); tt.want != "" && stored > 0 {
					t.Errorf("%d items were stored", stored)
				}
			})
		})
	}
}

func TestAnUpdateThatCannotBeMadeCancels(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		store(t, client, at("p", "s", "n", text("no number")))
		if err := transact(t, client, putMember(at("p", "other"), ""), addMember("p", "s")); reasonsOf(err) != "None ValidationError" {
			t.Errorf("got %v", err)
		}
	})
}

func TestTokenMakesATransactionHappenOnce(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []ddbtypes.TransactWriteItem{addMember("p", "s")}, ClientRequestToken: aws.String("once")}
		again := func(want string) {
			t.Helper()
			if _, err := client.TransactWriteItems(t.Context(), in); err != nil {
				t.Error(err)
			}
			if got := fetch(t, client, "p", "s")["n"].(*vN).Value; got != want {
				t.Errorf("the count is %s, want %s", got, want)
			}
		}
		again("1")
		again("1")
		_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: []ddbtypes.TransactWriteItem{addMember("p", "another")}, ClientRequestToken: aws.String("once")})
		if mismatch := (*ddbtypes.IdempotentParameterMismatchException)(nil); !errors.As(err, &mismatch) {
			t.Errorf("another request with the token: %v", err)
		}
		time.Sleep(tokenMemory)
		again("2")
	})
}

func TestCancelledTransactionMayBeTriedAgainWithItsToken(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("token"), TransactItems: []ddbtypes.TransactWriteItem{
			checkMember("p", "guard", "attribute_exists(PK)"), addMember("p", "s")}}
		if _, err := client.TransactWriteItems(t.Context(), in); reasonsOf(err) != "ConditionalCheckFailed None" {
			t.Fatal(err)
		}
		store(t, client, at("p", "guard"))
		if _, err := client.TransactWriteItems(t.Context(), in); err != nil {
			t.Error(err)
		}
	})
}

// rivals makes writers try at once, again and again, until each has added one to the same item, and
// returns how the attempts ended.
func rivals(t *testing.T, a *Account, n int) map[string]int {
	t.Helper()
	var mu sync.Mutex
	ended := map[string]int{}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			client := dynamodb.NewFromConfig(a.Process(fmt.Sprint("p", i)).Config())
			for try := 0; ; try++ {
				var err error
				if i%2 == 0 {
					err = transact(t, client, addMember("p", "shared"), putMember(at("p", fmt.Sprint("own", i)), ""))
				} else {
					_, err = client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "shared"),
						UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: used(":one")})
				}
				mu.Lock()
				ended[reasonsOf(err)+" "+code(err)]++
				mu.Unlock()
				if err == nil {
					return
				}
				time.Sleep(time.Duration(try*i+1) * 10 * time.Millisecond)
			}
		})
	}
	all.Wait()
	return ended
}

func TestOverlappingTransactionsConflict(t *testing.T) {
	withTable(t, Options{ConflictRate: 1}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		ended := rivals(t, a, 12)
		if ended["TransactionConflict None TransactionCanceledException"] == 0 || ended[" TransactionConflictException"] == 0 {
			t.Errorf("the writers ended %v, want conflicts of both kinds", ended)
		}
		if got := fetch(t, client, "p", "shared")["n"].(*vN).Value; got != "12" {
			t.Errorf("twelve writers have added %s", got)
		}
	})
}

func TestConflictsCanBeTurnedOff(t *testing.T) {
	withTable(t, Options{ConflictRate: -1}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		if ended := rivals(t, a, 12); ended[" "] != 12 || len(ended) != 1 {
			t.Errorf("the writers ended %v", ended)
		}
		if got := fetch(t, client, "p", "shared")["n"].(*vN).Value; got != "12" {
			t.Errorf("twelve writers have added %s", got)
		}
	})
}

func TestTransactionsOneAfterTheOtherDoNotConflict(t *testing.T) {
	withTable(t, Options{ConflictRate: 1}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		for i := range 10 {
			if err := transact(t, client, addMember("p", "s")); err != nil {
				t.Errorf("transaction %d: %v", i, err)
			}
		}
	})
}

func TestTransactionThatMeetsAnEmptyPartitionIsCancelled(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		big := func(n int) []ddbtypes.TransactWriteItem {
			members := []ddbtypes.TransactWriteItem{putMember(at("q", "s"), "")}
			for i := range n {
				members = append(members, putMember(at("p", fmt.Sprint(i), "a", text(strings.Repeat("x", 40<<10))), ""))
			}
			return members
		}
		if err := transact(t, client, big(50)...); err != nil { // over 4,000 units: lent
			t.Fatalf("a transaction larger than a second's capacity: %v", err)
		}
		if err := transact(t, client, big(1)...); reasonsOf(err) != "None ThrottlingError" {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := transact(t, client, big(1)...); err != nil {
			t.Errorf("after five seconds: %v", err)
		}
	})
}

func TestTransactGetReadsOneInstant(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		store(t, client, at("p", "a", "n", num("1")), at("p", "b", "n", num("2")))
		get := func(sk string) ddbtypes.TransactGetItem {
			return ddbtypes.TransactGetItem{Get: &ddbtypes.Get{TableName: aws.String(tableName), Key: at("p", sk)}}
		}
		out, err := client.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []ddbtypes.TransactGetItem{get("a"), get("none"), get("b")}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Responses) != 3 || out.Responses[1].Item != nil || out.Responses[2].Item["n"].(*vN).Value != "2" {
			t.Errorf("got %v", out.Responses)
		}
		_, err = client.TransactGetItems(t.Context(), &dynamodb.TransactGetItemsInput{TransactItems: []ddbtypes.TransactGetItem{get("a"), get("a")}})
		if code(err) != "ValidationException" {
			t.Errorf("one item twice: %v", err)
		}
	})
}
