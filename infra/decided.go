package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/regioninfo"
	"github.com/aws/jsii-runtime-go"

	"aws-hit-breaks/pkg/filter"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/services"
	"aws-hit-breaks/pkg/settings"
)

// decided reads what the owner decided from the context of the app: an object in cdk.json, or text
// given as `-c aws-hit-breaks=…`.
func decided(app awscdk.App) (settings.Deployment, error) {
	text := ""
	switch v := app.Node().TryGetContext(jsii.String(settings.DeploymentKey)).(type) {
	case nil:
		return settings.Deployment{}, fmt.Errorf("there is no context %q: write it into cdk.json, as docs/deploy.md shows", settings.DeploymentKey)
	case string:
		text = v
	default:
		written, err := json.Marshal(v)
		if err != nil {
			return settings.Deployment{}, fmt.Errorf("context %q: %w", settings.DeploymentKey, err)
		}
		text = string(written)
		if original, ok := fromFile("cdk.json", text); ok {
			text = original
		}
	}
	d, err := settings.ParseDeployment(text)
	if err != nil {
		return settings.Deployment{}, err
	}
	return d, meant(d, regionNames())
}

// fromFile is the context as it stands in the file, if that is what the app was given. The CDK CLI
// reads the file before the app does, and of a setting that is written twice it leaves the second.
func fromFile(path, given string) (string, bool) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	var file struct {
		Context map[string]json.RawMessage `json:"context"`
	}
	if json.Unmarshal(content, &file) != nil {
		return "", false
	}
	original := file.Context[settings.DeploymentKey]
	return string(original), canonical(string(original)) == canonical(given)
}

// canonical writes a JSON text in one way, whatever way it was written in.
func canonical(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return ""
	}
	written, _ := json.Marshal(v) // what was just read can be written
	return string(written)
}

// regionNames are the regions of AWS that this version of the CDK knows.
func regionNames() []string {
	var all []string
	for _, r := range *regioninfo.RegionInfo_Regions() {
		all = append(all, *r.Name())
	}
	return all
}

// meant refuses scopes and regions that cannot mean what they say.
func meant(d settings.Deployment, regions []string) error {
	var kinds []string
	for _, s := range services.All() {
		kinds = append(kinds, string(s.Kind))
	}
	brake := killswitch.Scope{Regions: d.Brake.Regions}
	valid := func(setting string, scope killswitch.Scope) error {
		err := filter.Validate(scope, regions, kinds)
		if err == nil {
			return nil
		}
		// These are not the regions of an account, as where the CLI asks the filter.
		return fmt.Errorf("setting %s: %s", setting, strings.Replace(err.Error(), "no region of this account", "no region of AWS", 1))
	}
	if err := valid("brake.regions", brake); err != nil {
		return err
	}
	scopes := map[string]killswitch.Scope{}
	var order []string
	for i, r := range d.Rungs {
		setting := fmt.Sprintf("rungs[%d].scope", i)
		scopes[setting], order = r.Scope, append(order, setting)
	}
	if d.BillingAlarm != nil {
		scopes["billingAlarm.scope"], order = d.BillingAlarm.Scope, append(order, "billingAlarm.scope")
	}
	for _, setting := range order {
		scope := scopes[setting]
		if err := valid(setting, scope); err != nil {
			return err
		}
		if !anyRegion(regions, brake, scope) {
			return fmt.Errorf("setting %s: none of its regions is one of brake.regions, %s: it would pause nothing", setting, strings.Join(brake.Regions, ", "))
		}
	}
	return nil
}

// anyRegion says whether there is a region in all the scopes.
func anyRegion(regions []string, scopes ...killswitch.Scope) bool {
	for _, region := range regions {
		in := true
		for _, s := range scopes {
			in = in && filter.MayMatchRegion(s, region)
		}
		if in {
			return true
		}
	}
	return false
}
