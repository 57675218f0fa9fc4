package settings

import "aws-hit-breaks/pkg/killswitch"

// Deployment is what the owner writes in cdk.json, under the context key DeploymentKey: what is
// deployed into an account, and what the brake does there. ParseDeployment reads it.
type Deployment struct {
	// Budget is what the account may cost.
	Budget Budget `json:"budget"`
	// Rungs are the ladder: what happens when how much of the budget is spent. One to MaxRungs.
	Rungs []Rung `json:"rungs"`
	// Notify are those who are told of every run and of everything that is wrong with the switch.
	Notify Targets `json:"notify"`
	// BillingAlarm is a second alarm, of CloudWatch on the estimated charges. Default: none.
	BillingAlarm *BillingAlarm `json:"billingAlarm,omitempty"`
	// Anomaly has anomalies that AWS detects told to Notify; they never pause. Default: they are not.
	Anomaly *Anomaly `json:"anomaly,omitempty"`
	// Operators may pause and resume, Inspectors only look. Default: nobody but who may do so anyway.
	Operators  []Principal `json:"operators,omitempty"`
	Inspectors []Principal `json:"inspectors,omitempty"`
	// LogRetentionDays is how long the logs of the functions are kept. Default 30.
	LogRetentionDays int `json:"logRetentionDays,omitempty"`
	// PermissionsBoundary of every role: the ARN of a policy, or its name in the account.
	PermissionsBoundary string `json:"permissionsBoundary,omitempty"`
	// Key is the ARN of the customer's KMS key for the table and the topics. Its policy has to let
	// the services in that publish to the topics. Default: the table has a key of AWS, the topics none.
	Key string `json:"key,omitempty"`
	// ReservedConcurrency is how much of the account's concurrency each function has for itself.
	// Default: none, since a new account has ten in all, which must stay unreserved.
	ReservedConcurrency int `json:"reservedConcurrency,omitempty"`
	// Table is the name of the snapshot table. Default DefaultTable.
	Table string `json:"table,omitempty"`
	// Assets is the bucket that holds the code of the functions, where many accounts are deployed
	// into from one template. Default: the one of the CDK in the account.
	Assets string `json:"assets,omitempty"`
	// Brake are the settings of the functions. Topics and Notify are those of the stacks.
	Brake Settings `json:"brake"`
}

// DeploymentKey is the context key of a Deployment in cdk.json.
const DeploymentKey = "aws-hit-breaks"

// MaxRungs is how many notifications a budget may have
// (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_CreateBudget.html;
// the type Notification speaks of ten).
const MaxRungs = 5

// Budget is an amount of money in a period.
type Budget struct {
	Amount   float64 `json:"amount"`
	Currency string  `json:"currency,omitempty"` // default USD, the currency that AWS Budgets counts in
	Period   string  `json:"period,omitempty"`   // DAILY, MONTHLY (default), QUARTERLY or ANNUALLY
}

// Rung is one step of the ladder.
type Rung struct {
	Type      string  `json:"type"`      // Actual or Forecasted
	Threshold float64 `json:"threshold"` // what has to be exceeded
	Unit      string  `json:"unit"`      // Percentage of the budget's amount, or Absolute in its currency
	Action    string  `json:"action"`    // ActionNotify or ActionPause; there is no default
	// Scope is what a rung pauses; empty means everything.
	Scope killswitch.Scope `json:"scope,omitzero"`
}

// Targets are those who are told.
type Targets struct {
	Emails    []string `json:"emails,omitempty"`
	Endpoints []string `json:"endpoints,omitempty"` // https URLs, ARNs of queues or of functions
}

// BillingAlarm is what CloudWatch watches in us-east-1: the charges of the month until now.
type BillingAlarm struct {
	Threshold float64          `json:"threshold"` // in USD
	Action    string           `json:"action"`    // as of a Rung
	Scope     killswitch.Scope `json:"scope,omitzero"`
}

// Anomaly says which anomalies are told of.
type Anomaly struct {
	Impact float64 `json:"impact"` // the least, in USD
	// Monitor is the ARN of a monitor that the account has. Default: one is made, which AWS refuses
	// where there is a monitor of all services already: an account may have one.
	Monitor string `json:"monitor,omitempty"`
}

// Principal is who may assume a role. One of another account has to give the external id.
type Principal struct {
	Principal  string `json:"principal"` // ARN of a role, a user, or the root of an account
	ExternalID string `json:"externalId,omitempty"`
}

// The values of a Deployment that are words.
const (
	Actual     = "ACTUAL"
	Forecasted = "FORECASTED"
	Percentage = "PERCENTAGE"
	Absolute   = "ABSOLUTE"

	Daily     = "DAILY"
	Monthly   = "MONTHLY"
	Quarterly = "QUARTERLY"
	Annually  = "ANNUALLY"
)

// DefaultDeployment is what holds where the owner decides nothing. It lacks a budget, rungs and
// somebody to notify, which have no default.
func DefaultDeployment() Deployment {
	return Deployment{
		Budget:           Budget{Currency: "USD", Period: Monthly},
		LogRetentionDays: 30,
		Table:            DefaultTable,
		Brake:            Default(),
	}
}
