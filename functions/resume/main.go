// Command resume is the Lambda function that an operator invokes to put back what was paused.
package main

import (
	"aws-hit-breaks/functions/internal/serve"
	"aws-hit-breaks/pkg/settings"
	"aws-hit-breaks/pkg/trigger"
)

func main() { serve.Run(settings.ResumeFunction, (*trigger.Handler).Resume) }
