package dynamo_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/snapshots"
	"aws-hit-breaks/snapshots/dynamo"
	"aws-hit-breaks/snapshots/storetest"
	"aws-hit-breaks/snapshots/storetest/dynamolocal"
)

const (
	account   = "111122223333"
	region    = "us-east-1" // of awssim's configurations
	tableName = "snapshots"
)

func subject(cfg aws.Config, table string) storetest.Subject {
	store := dynamo.Open(cfg, table)
	return storetest.Subject{Store: store, Table: store.Table()}
}

func TestDynamoDBLocal(t *testing.T) {
	cfg := dynamolocal.Config(t)
	var tables atomic.Int32
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Subject)) {
		name := fmt.Sprintf("snapshots-%d", tables.Add(1))
		if err := dynamolocal.CreateTable(t.Context(), cfg, name); err != nil {
			t.Fatal(err)
		}
		test(t, subject(cfg, name))
	})
}

// simulated runs a test on a table in a simulated account.
func simulated(t *testing.T, o awssim.Options, test func(t *testing.T, a *awssim.Account, store *dynamo.Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.ID, o.Idle = account, synctest.Wait
		a := awssim.New(o)
		defer a.Shutdown()
		a.AddTable(region, tableName)
		test(t, a, dynamo.Open(a.Process("test").Config(), tableName))
		if unknown := a.Unmodelled(); len(unknown) > 0 {
			t.Errorf("calls that are not modelled: %v", unknown)
		}
	})
}

func TestSimulated(t *testing.T) {
	for seed := range uint64(3) {
		storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Subject)) {
			simulated(t, awssim.Options{Seed: seed, ConflictRate: 1}, func(t *testing.T, _ *awssim.Account, store *dynamo.Store) {
				test(t, storetest.Subject{Store: store, Table: store.Table()})
			})
		})
	}
}

// TestProperty03StateRoundTrip: any snapshot survives the table, and an export and import of it.
func TestProperty03StateRoundTrip(t *testing.T) {
	a := awssim.New(awssim.Options{Seed: 3, ID: account, Speed: 1000}) // rapid asks for the time in no bubble
	defer a.Shutdown()
	tables := 0
	storetest.RoundTrip(t, func() snapshots.Store {
		tables++
		name := fmt.Sprintf("%s-%d", tableName, tables)
		a.AddTable(region, name)
		return dynamo.Open(a.Process("test").Config(), name)
	})
}

// answer is AWS's answer to a call that failed.
func answer(status int, code string) error {
	return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "simulated"},
	}}
}

// TestSimulatedFaults holds the contract while one attempt in a few fails, before or after its
// effect.
func TestSimulatedFaults(t *testing.T) {
	faults := map[string]func() awssim.Fault{
		"throttled": func() awssim.Fault {
			return awssim.Fault{Before: answer(http.StatusBadRequest, "ThrottlingException")}
		},
		"failed before": func() awssim.Fault {
			return awssim.Fault{Before: answer(http.StatusInternalServerError, "InternalServerError")}
		},
		"failed after": func() awssim.Fault {
			return awssim.Fault{After: answer(http.StatusInternalServerError, "InternalServerError")}
		},
		"in progress": func() awssim.Fault {
			return awssim.Fault{Before: answer(http.StatusBadRequest, "TransactionInProgressException")}
		},
		"conflict": func() awssim.Fault {
			return awssim.Fault{Before: answer(http.StatusBadRequest, "TransactionConflictException")}
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			for every := 2; every < 4; every++ {
				attempts := 0
				o := awssim.Options{Fault: func(c awssim.Call) awssim.Fault {
					if attempts++; attempts%every == 0 {
						return fault()
					}
					return awssim.Fault{}
				}}
				simulated(t, o, func(t *testing.T, _ *awssim.Account, store *dynamo.Store) { emergency(t, store) })
			}
		})
	}
}

// emergency is a whole one, and fails where anything of it counts twice or not at all.
func emergency(t *testing.T, store *dynamo.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	order := killswitch.Order{Act: killswitch.Pause, Actor: "alarm", At: time.Now()}
	var live *snapshots.Live
	for i, message := range []string{"m-1", "m-2", ""} {
		given, err := store.Give(ctx, account, order, message)
		must(err)
		if live = given.Live; !given.Appended || given.Order.Seq != i+1 || len(live.Orders) != i+1 {
			t.Fatalf("order %d was given as %+v", i+1, given)
		}
	}
	given, err := store.Give(ctx, account, order, "m-1")
	must(err)
	if given.Appended || len(given.Live.Orders) != 3 {
		t.Fatalf("a message seen before was given as %+v", given)
	}
	must(store.AddRegions(ctx, live, []string{"eu-west-1"}))
	lease, err := store.Acquire(ctx, live, "eu-west-1", "run-1", time.Hour, nil)
	must(err)
	it := killswitch.Item{
		Resource: killswitch.Resource{Ref: killswitch.Ref{Account: account, Region: "eu-west-1", Kind: killswitch.EC2Instance, ID: "i-1"}},
		Order:    1, Original: killswitch.Original{Schema: 1, Data: []byte(`{"state":"running"}`)},
	}
	for range 6 {
		must(store.Write(ctx, &lease, time.Hour, []snapshots.Change{{Original: &it}, {State: &it}}))
		must(store.Write(ctx, &lease, time.Hour, nil))
	}
	shard, err := store.Shard(ctx, account, live.Snapshot, "eu-west-1")
	must(err)
	if len(shard.Items) != 1 || len(shard.Faults) != 0 || shard.Lease.Beat != 12 || shard.Lease.Generation != 1 {
		t.Fatalf("the shard is %+v", shard)
	}
	must(store.Release(ctx, &lease))
	must(store.SetLookAt(ctx, live, time.Now()))
	must(store.Close(ctx, live, time.Now(), map[string]int{"resumed": 1}))
	if now, err := store.Live(ctx, account); err != nil || now != nil {
		t.Fatalf("closed, and live is %+v, %v", now, err)
	}
	headers, err := store.Headers(ctx, account, 0)
	must(err)
	if len(headers) != 1 || headers[0].Closed.IsZero() || headers[0].Counts["resumed"] != 1 {
		t.Fatalf("the headers are %+v", headers)
	}
}

func TestAMissingTableIsSaidToBe(t *testing.T) {
	simulated(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, _ *dynamo.Store) {
		store := dynamo.Open(a.Process("test").Config(), "another")
		_, errLive := store.Live(t.Context(), account)
		_, errGive := store.Give(t.Context(), account, killswitch.Order{Act: killswitch.Pause}, "")
		_, errHeaders := store.Headers(t.Context(), account, 0)
		for _, err := range []error{errLive, errGive, errHeaders} {
			if !errors.Is(err, snapshots.ErrNoTable) {
				t.Fatalf("got error %v, want %v", err, snapshots.ErrNoTable)
			}
			for _, part := range []string{"table another in us-east-1", "deploy", "AWS_HIT_BREAKS_TABLE"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		}
		if calls := len(a.Trace()); calls != 3 {
			t.Errorf("%d calls for 3 answers", calls)
		}
	})
}

func TestADeniedCallIsNotRepeated(t *testing.T) {
	denied := awssim.Options{Fault: func(awssim.Call) awssim.Fault {
		return awssim.Fault{Before: answer(http.StatusBadRequest, "AccessDeniedException")}
	}}
	simulated(t, denied, func(t *testing.T, a *awssim.Account, store *dynamo.Store) {
		_, err := store.Live(t.Context(), account)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
			t.Errorf("got error %v", err)
		}
		if calls := len(a.Trace()); calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

// TestActions holds Actions to what an emergency calls. TransactWriteItems is no action: its
// members are.
func TestActions(t *testing.T) {
	var used []string
	watch := awssim.Options{Fault: func(c awssim.Call) awssim.Fault {
		transaction, ok := c.Input.(*dynamodb.TransactWriteItemsInput)
		if !ok {
			used = append(used, c.Action())
			return awssim.Fault{}
		}
		for _, member := range transaction.TransactItems {
			switch {
			case member.Put != nil:
				used = append(used, "dynamodb:PutItem")
			case member.Delete != nil:
				used = append(used, "dynamodb:DeleteItem")
			default:
				t.Errorf("a transaction with a member %+v", member)
			}
		}
		return awssim.Fault{}
	}}
	simulated(t, watch, func(t *testing.T, _ *awssim.Account, store *dynamo.Store) { emergency(t, store) })
	slices.Sort(used)
	if used = slices.Compact(used); !slices.Equal(used, dynamo.Actions) {
		t.Errorf("%v are used, and %v declared", used, dynamo.Actions)
	}
}

// TestTimeToLive: the table may forget messages and nothing else.
func TestTimeToLive(t *testing.T) {
	simulated(t, awssim.Options{}, func(t *testing.T, a *awssim.Account, store *dynamo.Store) {
		emergency(t, store)
		for _, item := range a.Items(region, tableName) {
			_, expires := item[dynamo.TTLAttribute].(*types.AttributeValueMemberN)
			if sk := item["SK"].(*types.AttributeValueMemberS).Value; expires != (sk == "SEEN") {
				t.Errorf("%s expires: %v", sk, expires)
			}
		}
	})
}
