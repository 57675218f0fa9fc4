package awssim

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
)

// sample is what conditions and updates are tried on.
func sample() item {
	return at("p", "s", "a", text("xyz"), "b", text("xyz"), "n", num("10"), "ok", &vBOOL{Value: true},
		"ss", &vSS{Value: []string{"x", "y"}}, "l", &vL{Value: []value{text("first"), num("2")}}, "m", &vM{Value: item{"k": text("v")}})
}

// placeholderValues are the values that the expressions below may use.
var placeholderValues = item{
	":a": text("xyz"), ":x": text("x"), ":one": num("1"), ":ten": num("10.0"), ":eleven": num("11"), ":true": &vBOOL{Value: true},
	":set": &vSS{Value: []string{"y", "x"}}, ":y": &vSS{Value: []string{"y"}}, ":type": text("S"), ":m": &vM{Value: item{"k": text("v")}},
	":list": &vL{Value: []value{text("more")}}, ":three": num("3"),
}

// used leaves the placeholders that an expression has.
func used(expression string) item {
	some := item{}
	for name, v := range placeholderValues {
		for word := range strings.FieldsFuncSeq(expression, func(r rune) bool { return strings.ContainsRune(" (),=<>+-", r) }) {
			if word == name {
				some[name] = v
			}
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some
}

func TestConditions(t *testing.T) {
	for expression, want := range map[string]bool{
		"attribute_exists(PK)":                true,
		"attribute_not_exists(zz)":            true,
		"attribute_exists(m.k)":               true,
		"attribute_exists(m.zz)":              false,
		"attribute_exists(l[1])":              true,
		"attribute_exists(l[2])":              false,
		"attribute_type(a, :type)":            true,
		"attribute_type(n, :type)":            false,
		"a = :a":                              true,
		"a = b":                               true,
		":a = a":                              true,
		"n = :ten":                            true,
		"n < :eleven":                         true,
		"n >= :eleven":                        false,
		"n < :a":                              false, // another type
		"zz = :a":                             false,
		"zz <> :a":                            true,
		"zz < :a":                             false,
		"n <> :a":                             true,
		"ok = :true":                          true,
		"ss = :set":                           true, // order does not count
		"m = :m":                              true,
		"n BETWEEN :one AND :eleven":          true,
		"n IN (:one, :ten)":                   true,
		"n IN (:one)":                         false,
		"begins_with(a, :x)":                  true,
		"begins_with(n, :x)":                  false,
		"contains(a, :x)":                     true,
		"contains(ss, :x)":                    true,
		"contains(l, :x)":                     false,
		"size(a) = :three":                    true,
		"size(l) > :one":                      true,
		"size(n) > :one":                      false, // a number has none
		"NOT a = :a":                          false,
		"a = :x OR n = :ten":                  true,
		"a = :a AND n = :one":                 false,
		"a = :a OR a = :x AND n = :one":       true, // AND binds stronger
		"(a = :a OR a = :x) AND n = :one":     false,
		"not a = :x and not n = :one":         true, // keywords have no case
		"attribute_not_exists(zz) OR zz = :x": true,
		"attribute_exists(zz) AND zz.k[0].z = :x": false,
	} {
		withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
			store(t, client, sample())
			_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: at("p", "s"),
				ConditionExpression: aws.String(expression), ExpressionAttributeValues: used(expression)})
			if err != nil && code(err) != "ConditionalCheckFailedException" {
				t.Errorf("%s: %v", expression, err)
			} else if got := err == nil; got != want {
				t.Errorf("%s is %v, want %v", expression, got, want)
			}
		})
	}
}

func TestUpdates(t *testing.T) {
	list := func(vs ...value) value { return &vL{Value: append([]value{}, vs...)} }
	for expression, want := range map[string]map[string]value{ // what differs from the sample; nil is gone
		"SET a = :x":                                {"a": text("x")},
		"SET a = :x, b = a":                         {"a": text("x"), "b": text("xyz")}, // of the item before
		"SET n = n + :one":                          {"n": num("11")},
		"SET n = :one - n":                          {"n": num("-9")},
		"SET zz = if_not_exists(zz, :one)":          {"zz": num("1")},
		"SET n = if_not_exists(n, :one)":            {},
		"SET zz = if_not_exists(zz, :one) + :three": {"zz": num("4")},
		"SET l = list_append(l, :list)":             {"l": list(text("first"), num("2"), text("more"))},
		"SET l = list_append(:list, l)":             {"l": list(text("more"), text("first"), num("2"))},
		"SET l[0] = :x":                             {"l": list(text("x"), num("2"))},
		"SET l[9] = :x":                             {"l": list(text("first"), num("2"), text("x"))},
		"SET m.z = :one":                            {"m": &vM{Value: item{"k": text("v"), "z": num("1")}}},
		"REMOVE a, zz":                              {"a": nil},
		"REMOVE l[0]":                               {"l": list(num("2"))},
		"REMOVE l[0], l[1]":                         {"l": list()},
		"REMOVE m.k":                                {"m": &vM{Value: item{}}},
		"ADD n :one":                                {"n": num("11")},
		"ADD zz :one":                               {"zz": num("1")},
		"ADD zz :y":                                 {"zz": &vSS{Value: []string{"y"}}},
		"ADD ss :y":                                 {},
		"DELETE ss :y":                              {"ss": &vSS{Value: []string{"x"}}},
		"DELETE ss :set":                            {"ss": nil}, // an empty set is none
		"DELETE zz :y":                              {},
		"SET a = :x REMOVE b ADD n :one DELETE ss :y": {"a": text("x"), "b": nil, "n": num("11"), "ss": &vSS{Value: []string{"x"}}},
		"set a = (:x) remove b":                       {"a": text("x"), "b": nil},
	} {
		withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
			store(t, client, sample())
			_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "s"),
				UpdateExpression: aws.String(expression), ExpressionAttributeValues: used(expression)})
			if err != nil {
				t.Errorf("%s: %v", expression, err)
				return
			}
			after := sample()
			for name, v := range want {
				if after[name] = v; v == nil {
					delete(after, name)
				}
			}
			if diff := cmp.Diff(after, fetch(t, client, "p", "s"), plain); diff != "" {
				t.Errorf("%s: %s", expression, diff)
			}
		})
	}
}

func TestUpdateMakesTheItemThatIsNotThere(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		for expression, want := range map[string]item{"": at("p", "new"), "ADD n :one": at("p", "new", "n", num("1"))} {
			in := &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "new")}
			if expression != "" {
				in.UpdateExpression, in.ExpressionAttributeValues = &expression, used(expression)
			}
			if _, err := client.UpdateItem(t.Context(), in); err != nil {
				t.Errorf("%q: %v", expression, err)
			}
			if diff := cmp.Diff(want, fetch(t, client, "p", "new"), plain); diff != "" {
				t.Errorf("%q: %s", expression, diff)
			}
			if _, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: at("p", "new")}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestExpressionsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		update, condition string
		names             map[string]string
		values            item
		want              string
	}{
		"a reserved word":                    {update: "SET state = :x", values: used(":x"), want: "reserved keyword: state"},
		"a reserved word inside":             {condition: "m.end = :x", values: used(":x"), want: "reserved keyword: end"},
		"a value that is not defined":        {update: "SET a = :x", want: "not defined; attribute value: :x"},
		"a name that is not defined":         {update: "SET #a = :x", values: used(":x"), want: "not defined; attribute name: #a"},
		"a value that is not used":           {update: "SET a = :x", values: used(":x :one"), want: "unused in expressions: keys: {:one}"},
		"a name that is not used":            {update: "SET a = :x", values: used(":x"), names: map[string]string{"#n": "n"}, want: "unused in expressions: keys: {#n}"},
		"values without an expression":       {values: used(":x"), want: "can only be specified when using expressions"},
		"no values at all":                   {update: "REMOVE a", values: item{}, want: "ExpressionAttributeValues must not be empty"},
		"a change of the key":                {update: "SET SK = :x", values: used(":x"), want: "Cannot update attribute SK. This attribute is part of the key"},
		"a section twice":                    {update: "SET a = :x SET b = :x", values: used(":x"), want: `The "SET" section can only be used once`},
		"two paths that overlap":             {update: "SET m = :x, m.k = :x", values: used(":x"), want: "Two document paths overlap"},
		"a path through nothing":             {update: "SET zz.k = :x", values: used(":x"), want: "document path provided in the update expression is invalid"},
		"a path through a text":              {update: "SET a.k = :x", values: used(":x"), want: "document path provided in the update expression is invalid"},
		"an attribute that is not there":     {update: "SET a = zz", want: "refers to an attribute that does not exist"},
		"a sum of a text":                    {update: "SET n = a + :one", values: used(":one"), want: "incorrect data type"},
		"adding a text":                      {update: "ADD n :x", values: used(":x"), want: "Incorrect operand type"},
		"adding a number to a text":          {update: "ADD a :one", values: used(":one"), want: "incorrect data type"},
		"deleting a number":                  {update: "DELETE n :one", values: used(":one"), want: "Incorrect operand type"},
		"a set of another type":              {update: "DELETE l :y", values: used(":y"), want: "incorrect data type"},
		"nonsense":                           {condition: "a == :x", values: used(":x"), want: "Syntax error"},
		"an end too early":                   {condition: "a =", want: "Syntax error"},
		"an unknown function":                {condition: "is_red(a)", want: "Invalid function name; function: is_red"},
		"an order of truth values":           {condition: "a < :true", values: used(":true"), want: "Incorrect operand type"},
		"a range that is upside down":        {condition: "n BETWEEN :ten AND :one", values: used(":ten :one"), want: "upper bound to be greater than or equal"},
		"an empty expression":                {condition: " ", want: "The expression can not be empty"},
		"a name with a hyphen and no number": {condition: "a-b = :x", values: used(":x"), want: "Syntax error"},
	} {
		t.Run(name, func(t *testing.T) {
			withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
				store(t, client, sample())
				in := &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "s"), ExpressionAttributeNames: tt.names,
					ExpressionAttributeValues: tt.values}
				if tt.update != "" {
					in.UpdateExpression = &tt.update
				}
				if tt.condition != "" {
					in.ConditionExpression = &tt.condition
				}
				_, err := client.UpdateItem(t.Context(), in)
				if code(err) != "ValidationException" || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if diff := cmp.Diff(sample(), fetch(t, client, "p", "s"), plain); diff != "" {
					t.Errorf("the refused update changed the item: %s", diff)
				}
			})
		})
	}
}

func TestNamesStandForReservedWords(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		store(t, client, at("p", "s", "state", text("new"), "owner", text("me")))
		in := &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "s"), UpdateExpression: aws.String("SET #s = :x"),
			ConditionExpression: aws.String("#o = :o"), ExpressionAttributeNames: map[string]string{"#s": "state", "#o": "owner"},
			ExpressionAttributeValues: item{":x": text("old"), ":o": text("me")}}
		if _, err := client.UpdateItem(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: at("p", "s"), ConsistentRead: aws.Bool(true),
			ProjectionExpression: aws.String("#s"), ExpressionAttributeNames: map[string]string{"#s": "state"}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(item{"state": text("old")}, out.Item, plain); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUpdateMayNotGrowAnItemBeyondTheLimit(t *testing.T) {
	withTable(t, Options{}, func(t *testing.T, a *Account, client *dynamodb.Client) {
		half := &vL{Value: []value{text(strings.Repeat("x", 250<<10))}}
		store(t, client, at("p", "s", "l", half))
		_, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: at("p", "s"),
			UpdateExpression: aws.String("SET l = list_append(l, :half)"), ExpressionAttributeValues: item{":half": half}})
		if code(err) != "ValidationException" || !strings.Contains(err.Error(), "Item size to update has exceeded") {
			t.Errorf("got %v", err)
		}
	})
}
