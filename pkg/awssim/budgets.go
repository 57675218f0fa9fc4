package awssim

import (
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	budgettypes "github.com/aws/aws-sdk-go-v2/service/budgets/types"
)

// Budget is a budget of costs, as AWS Budgets describes it.
type Budget struct {
	Name          string
	Amount, Spent string // in USD
	Period        string // "MONTHLY"
}

func budgetOperations() []operation {
	return []operation{op("budgets", "DescribeBudget", false, describeBudget)}
}

// AddBudget adds a budget to the account.
func (a *Account) AddBudget(b Budget) {
	a.look(func(time.Time) { a.budgets = append(a.budgets, b) })
}

// RemoveBudgets deletes every budget as a person would.
func (a *Account) RemoveBudgets() {
	a.look(func(time.Time) { a.budgets = nil })
}

// describeBudget is the same whatever region it is asked in: AWS Budgets has one endpoint
// (https://docs.aws.amazon.com/general/latest/gr/billing.html).
func describeBudget(c *call, in *budgets.DescribeBudgetInput) (*budgets.DescribeBudgetOutput, error) {
	if aws.ToString(in.AccountId) != c.account.id || in.ShowFilterExpression != nil {
		return nil, c.unmodelled("budgets:DescribeBudget of another account, or with its filter")
	}
	i := slices.IndexFunc(c.account.budgets, func(b Budget) bool { return b.Name == aws.ToString(in.BudgetName) })
	if i < 0 {
		return nil, withStatus(http.StatusBadRequest, &budgettypes.NotFoundException{
			Message: aws.String("Unable to get budget: " + aws.ToString(in.BudgetName) + " - the budget doesn't exist."),
		})
	}
	b := c.account.budgets[i]
	usd := func(amount string) *budgettypes.Spend {
		return &budgettypes.Spend{Amount: aws.String(amount), Unit: aws.String("USD")}
	}
	return &budgets.DescribeBudgetOutput{Budget: &budgettypes.Budget{
		BudgetName: aws.String(b.Name), BudgetType: budgettypes.BudgetTypeCost, TimeUnit: budgettypes.TimeUnit(b.Period),
		BudgetLimit: usd(b.Amount), CalculatedSpend: &budgettypes.CalculatedSpend{ActualSpend: usd(b.Spent)},
	}}, nil
}
