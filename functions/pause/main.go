// Command pause is the Lambda function that a budget alarm or an operator invokes to pause the account.
package main

import (
	"aws-hit-breaks/functions/internal/serve"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

func main() { serve.Run(settings.PauseFunction, (*trigger.Handler).Pause) }
