package awssim

import (
	"cmp"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Function is a function of Lambda, as its configuration tells. What it does is none of the account's
// business: it is a process like any other.
type Function struct {
	Name        string
	Role        string // ARN
	State       string // default Active
	Reason      string // of a State or an Update that is not the default
	Update      string // LastUpdateStatus; default Successful
	Environment map[string]string
	// Unreadable is the message for an environment that cannot be decrypted.
	Unreadable string
}

func lambdaOperations() []operation {
	return []operation{op("lambda", "GetFunctionConfiguration", false, getFunctionConfiguration)}
}

// SetFunction deploys a function to an enabled region, in the place of the one of that name.
func (a *Account) SetFunction(region string, f Function) {
	f.State, f.Update = cmp.Or(f.State, "Active"), cmp.Or(f.Update, "Successful")
	a.look(func(time.Time) { a.mustRegion(region).functions[f.Name] = f })
}

// Function is the function of the name as it is deployed.
func (a *Account) Function(region, name string) (f Function) {
	a.look(func(time.Time) { f = a.mustRegion(region).functions[name] })
	return f
}

// RemoveFunction deletes a function as a person would.
func (a *Account) RemoveFunction(region, name string) {
	a.look(func(time.Time) { delete(a.mustRegion(region).functions, name) })
}

// functionARN is the ARN of a function.
func (c *call) functionARN(name string) string {
	return "arn:aws:lambda:" + c.region.name + ":" + c.account.id + ":function:" + name
}

// getFunctionConfiguration
// (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html).
func getFunctionConfiguration(c *call, in *lambda.GetFunctionConfigurationInput) (*lambda.GetFunctionConfigurationOutput, error) {
	if in.Qualifier != nil {
		return nil, c.unmodelled("lambda:GetFunctionConfiguration Qualifier")
	}
	name := aws.ToString(in.FunctionName)
	f, ok := c.region.functions[name]
	if !ok {
		return nil, withStatus(http.StatusNotFound, &lambdatypes.ResourceNotFoundException{
			Type: aws.String("User"), Message: aws.String("Function not found: " + c.functionARN(name)),
		})
	}
	out := &lambda.GetFunctionConfigurationOutput{
		FunctionName: &name, FunctionArn: aws.String(c.functionARN(name)), Role: aws.String(f.Role),
		State: lambdatypes.State(f.State), LastUpdateStatus: lambdatypes.LastUpdateStatus(f.Update),
	}
	switch {
	case f.Unreadable != "":
		out.Environment = &lambdatypes.EnvironmentResponse{Error: &lambdatypes.EnvironmentError{
			ErrorCode: aws.String("AccessDeniedException"), Message: aws.String(f.Unreadable),
		}}
	case len(f.Environment) > 0:
		out.Environment = &lambdatypes.EnvironmentResponse{Variables: f.Environment}
	}
	if out.State != lambdatypes.StateActive {
		out.StateReason = aws.String(f.Reason)
	}
	if out.LastUpdateStatus != lambdatypes.LastUpdateStatusSuccessful {
		out.LastUpdateStatusReason = aws.String(f.Reason)
	}
	return out, nil
}
