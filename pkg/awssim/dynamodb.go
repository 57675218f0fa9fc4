package awssim

import (
	"errors"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type dynamodbState struct{}

func newDynamoDBState() *dynamodbState { return &dynamodbState{} }

func dynamodbOperations() []operation { return nil }

// itemKey is the key of an item: PK and SK, both strings.
type itemKey struct{ pk, sk string }

func (k itemKey) String() string { return k.pk + " " + k.sk }

func keyOf(item map[string]ddbtypes.AttributeValue) (itemKey, error) {
	pk, ok1 := item["PK"].(*ddbtypes.AttributeValueMemberS)
	sk, ok2 := item["SK"].(*ddbtypes.AttributeValueMemberS)
	if !ok1 || !ok2 || pk.Value == "" || sk.Value == "" {
		return itemKey{}, errors.New("One or more parameter values were invalid: Missing the key PK or SK in the item")
	}
	return itemKey{pk.Value, sk.Value}, nil
}
