// Command infra is the CDK app: it reads what the owner decided from cdk.json and synthesises the
// stacks. The CDK CLI runs it, in the folder of cdk.json. What is decided and cannot be deployed is an
// error that names the setting, and nothing is synthesised.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	err := synthesise()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cdk.json:", err)
	}
	jsii.Close()
	if err != nil {
		os.Exit(1)
	}
}

func synthesise() error {
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	d, err := decided(app)
	if err != nil {
		return err
	}
	if _, err := newSwitch(app, d); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}
