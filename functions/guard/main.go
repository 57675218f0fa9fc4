// Command guard is the Lambda function that carries on what is unfinished: every minute, and when RDS
// says that it started a database again.
package main

import (
	"aws-hit-breaks/functions/internal/serve"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

func main() { serve.Run(settings.GuardFunction, (*trigger.Handler).Guard) }
