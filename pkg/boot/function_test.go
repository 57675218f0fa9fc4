package boot

import (
	"strings"
	"testing"

	"aws-hit-breaks/pkg/settings"
)

func TestDecided(t *testing.T) {
	topic := func(scope string) string {
		return `{"topics": [{"arn": "arn:aws:sns:us-east-1:111122223333:rung-1", "scope": ` + scope + `}]}`
	}
	tests := map[string]struct{ settings, wrong string }{
		"nothing set":                  {"", ""},
		"a scope that can be":          {topic(`{"tags": ["env=dev"], "services": ["rds"]}`), ""},
		"a service that is none":       {topic(`{"services": ["lambda"]}`), `AWS_HIT_BREAKS_SETTINGS: setting topics: the scope of arn:aws:sns:us-east-1:111122223333:rung-1: service "lambda"`},
		"a region that is none":        {topic(`{"regions": ["EU-west-1"]}`), `region "EU-west-1"`},
		"a scope that is nothing":      {topic(`{"regions": ["eu-west-1"], "exclude": {"regions": ["eu-*"]}}`), "taken out again"},
		"a region of all that is none": {`{"regions": ["eu-*", "eu-wset-1"]}`, `AWS_HIT_BREAKS_SETTINGS: setting regions: region "eu-wset-1": no region of AWS: did you mean "eu-west-1"?`},
		"what the settings refuse":     {`{"settle": "soon"}`, "AWS_HIT_BREAKS_SETTINGS: setting settle"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, table, err := Decided(func(name string) string {
				return map[string]string{settings.SettingsVariable: tt.settings}[name]
			})
			switch {
			case tt.wrong == "" && (err != nil || table != settings.DefaultTable):
				t.Errorf("refused: %v, table %q", err, table)
			case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "\n")):
				t.Errorf("the error is %v, want one line that says %q", err, tt.wrong)
			}
		})
	}
}

func TestCommand(t *testing.T) {
	tests := map[string]struct{ region, table, prefix, want string }{
		"by default":          {"us-east-1", settings.DefaultTable, "aws-hit-breaks", "AWS_REGION=us-east-1 aws-hit-breaks"},
		"with names that are": {"eu-west-1", "brake.test", "brake", `AWS_REGION=eu-west-1 AWS_HIT_BREAKS_TABLE=brake.test AWS_HIT_BREAKS_SETTINGS='{"prefix":"brake"}' aws-hit-breaks`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := command(tt.region, tt.table, tt.prefix); got != tt.want {
				t.Errorf("command = %s, want %s", got, tt.want)
			}
		})
	}
}
