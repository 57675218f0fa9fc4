package awssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func iamAliasOperations() []operation {
	return []operation{op("iam", "ListAccountAliases", false, listAccountAliases)}
}

// SetAlias gives the account an alias, of which it has one at most.
func (a *Account) SetAlias(alias string) { a.look(func(time.Time) { a.alias = alias }) }

func listAccountAliases(c *call, _ *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}}
	if c.account.alias != "" {
		out.AccountAliases = append(out.AccountAliases, c.account.alias)
	}
	return out, nil
}
