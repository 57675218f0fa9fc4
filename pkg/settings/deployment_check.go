package settings

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"aws-hit-breaks/pkg/killswitch"
)

var (
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
	retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	// A role name has at most 64 characters, of which "-inspector" takes ten, and the name of a stack
	// begins with a letter and has no underscore (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html,
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html).
	deployedPrefix = lazily(`^[A-Za-z][A-Za-z0-9-]{0,53}$`)
	principalARN   = lazily(`^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[A-Za-z0-9_+=,.@/-]{1,512})$`)
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	externalID  = lazily(`^[A-Za-z0-9_+=,.@:/-]+$`)
	boundary    = lazily(`^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/)?[A-Za-z0-9_+=,.@/-]{1,512}$`)
	keyARN      = lazily(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	endpointARN = lazily(`^arn:aws[a-z-]*:(sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}|lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?)$`)
	monitorARN  = lazily(`^arn:aws[a-z-]*:ce::[0-9]{12}:anomalymonitor/[A-Za-z0-9-]+$`)
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	bucket = lazily(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

// check refuses what cannot be deployed, in the order in which the settings are written.
func (d Deployment) check() error {
	return first(
		d.Budget.check, d.checkRungs, d.Notify.check, d.checkOthers,
		func() error { return checkPrincipals("operators", d.Operators) },
		func() error { return checkPrincipals("inspectors", d.Inspectors) },
		d.checkPlace, d.checkBrake,
	)
}

// first is the first error of several checks.
func first(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (b Budget) check() error {
	switch {
	case b.Amount <= 0:
		return fmt.Errorf("setting budget.amount: %v is no amount to spend, every alarm would be raised at once: write how much the account may cost, such as 100", b.Amount)
	case b.Currency != "USD":
		return fmt.Errorf(`setting budget.currency: AWS Budgets does not count in %q: write "USD"`, b.Currency)
	}
	return oneOf("budget.period", b.Period, Daily, Monthly, Quarterly, Annually)
}

func oneOf(setting, value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("setting %s: %q is none of %s", setting, value, strings.Join(allowed, ", "))
	}
	return nil
}

func (d Deployment) checkRungs() error {
	switch n := len(d.Rungs); {
	case n == 0:
		return errors.New(`setting rungs: there are none, so nothing would ever happen: write at least one, such as {"type": "ACTUAL", "threshold": 100, "unit": "PERCENTAGE", "action": "pause"}`)
	case n > MaxRungs:
		return fmt.Errorf("setting rungs: there are %d, and a budget has %d notifications at most: leave some out", n, MaxRungs)
	}
	for i, r := range d.Rungs {
		setting := fmt.Sprintf("rungs[%d]", i)
		if err := first(
			func() error { return oneOf(setting+".type", r.Type, Actual, Forecasted) },
			func() error { return oneOf(setting+".unit", r.Unit, Percentage, Absolute) },
			func() error { return acts(setting, r.Action, r.Scope) },
		); err != nil {
			return err
		}
		switch {
		case r.Threshold <= 0:
			return fmt.Errorf("setting %s.threshold: %v is exceeded by any account that costs something: write how much is too much", setting, r.Threshold)
		// https://docs.aws.amazon.com/cost-management/latest/userguide/create-cost-budget.html
		case r.Type == Forecasted && d.Budget.Period == Daily:
			return fmt.Errorf("setting %s.type: AWS makes no forecast for a daily budget: write ACTUAL, or a longer budget.period", setting)
		}
		for j := i - 1; j >= 0; j-- {
			if below := d.Rungs[j]; below.Type == r.Type && below.Unit == r.Unit {
				if r.Threshold <= below.Threshold {
					return fmt.Errorf("setting %s.threshold: %v is not above the %v of rungs[%d], which has its type and unit: write the rungs from the lowest to the highest",
						setting, r.Threshold, below.Threshold, j)
				}
				break
			}
		}
	}
	return nil
}

// acts checks what an alarm does.
func acts(setting, action string, scope killswitch.Scope) error {
	switch {
	case action == "":
		return fmt.Errorf("setting %s.action: it does not say what happens: write %s or %s", setting, ActionNotify, ActionPause)
	case action == ActionNotify && !reflect.ValueOf(scope).IsZero():
		return fmt.Errorf("setting %s.scope: what only notifies pauses nothing: leave the scope out, or write the action %s", setting, ActionPause)
	}
	return oneOf(setting+".action", action, ActionNotify, ActionPause)
}

func (t Targets) check() error {
	if len(t.Emails)+len(t.Endpoints) == 0 {
		return errors.New(`setting notify: nobody would hear of a pause, nor of a brake that is broken: write {"emails": ["you@example.com"]}`)
	}
	for i, email := range t.Emails {
		a, err := mail.ParseAddress(email)
		_, domain, _ := strings.Cut(email, "@")
		if err != nil || a.Address != email || !strings.Contains(domain, ".") {
			return fmt.Errorf(`setting notify.emails[%d]: %q is no e-mail address: write "you@example.com"`, i, email)
		}
	}
	for i, endpoint := range t.Endpoints {
		u, err := url.Parse(endpoint)
		if (err != nil || u.Scheme != "https" || u.Host == "") && !endpointARN().MatchString(endpoint) {
			return fmt.Errorf("setting notify.endpoints[%d]: %q is neither an https URL nor the ARN of a queue or of a function", i, endpoint)
		}
	}
	all := slices.Concat(t.Emails, t.Endpoints)
	for i, target := range all {
		if slices.Contains(all[:i], target) {
			return fmt.Errorf("setting notify: %s is there twice: leave one of them out", target)
		}
	}
	return nil
}

func (d Deployment) checkOthers() error {
	if b := d.BillingAlarm; b != nil {
		if b.Threshold <= 0 {
			return fmt.Errorf("setting billingAlarm.threshold: %v is exceeded by any account that costs something: write how much is too much", b.Threshold)
		}
		if err := acts("billingAlarm", b.Action, b.Scope); err != nil {
			return err
		}
	}
	if a := d.Anomaly; a != nil {
		switch {
		case a.Impact <= 0:
			return fmt.Errorf("setting anomaly.impact: %v would tell of everything: write the least impact in USD that is worth a message", a.Impact)
		case a.Monitor != "" && !monitorARN().MatchString(a.Monitor):
			return fmt.Errorf(`setting anomaly.monitor: %q is not the ARN of a monitor: write "arn:aws:ce::<account>:anomalymonitor/<id>"`, a.Monitor)
		}
	}
	return nil
}

func checkPrincipals(setting string, all []Principal) error {
	for i, p := range all {
		switch {
		case !principalARN().MatchString(p.Principal):
			return fmt.Errorf(`setting %s[%d].principal: %q is not the ARN of a role, a user or an account's root: write "arn:aws:iam::<account>:role/<name>"`, setting, i, p.Principal)
		case p.ExternalID != "" && (!externalID().MatchString(p.ExternalID) || len(p.ExternalID) < 2 || len(p.ExternalID) > 1224):
			return fmt.Errorf("setting %s[%d].externalId: %q is none: 2 to 1224 letters, digits or any of _+=,.@:/-", setting, i, p.ExternalID)
		case slices.ContainsFunc(all[:i], func(q Principal) bool { return q.Principal == p.Principal }):
			return fmt.Errorf("setting %s[%d].principal: %s is there twice: leave one of them out", setting, i, p.Principal)
		}
	}
	return nil
}

// checkPlace checks what the deployment is made of, and where.
func (d Deployment) checkPlace() error {
	switch {
	case !slices.Contains(retentions, d.LogRetentionDays):
		return fmt.Errorf("setting logRetentionDays: CloudWatch Logs cannot keep for %d days: write one of %s", d.LogRetentionDays, strings.Trim(fmt.Sprint(retentions), "[]"))
	case d.PermissionsBoundary != "" && !boundary().MatchString(d.PermissionsBoundary):
		return fmt.Errorf("setting permissionsBoundary: %q is neither the ARN nor the name of a policy", d.PermissionsBoundary)
	case d.Key != "" && !keyARN().MatchString(d.Key):
		return fmt.Errorf(`setting key: %q is not the ARN of a key: write "arn:aws:kms:<region>:<account>:key/<id>", not an alias`, d.Key)
	case d.ReservedConcurrency < 0:
		return fmt.Errorf("setting reservedConcurrency: %d is less than none: leave it out to reserve none", d.ReservedConcurrency)
	case !isTable(d.Table):
		return fmt.Errorf(`setting table: %q is not the name of a DynamoDB table: 3 to 255 letters, digits, "_", "-" or "."`, d.Table)
	case d.Assets != "" && !bucket().MatchString(d.Assets):
		return fmt.Errorf("setting assets: %q is not the name of a bucket", d.Assets)
	}
	return nil
}

func (d Deployment) checkBrake() error {
	switch {
	case len(d.Brake.Topics) > 0:
		return errors.New("setting brake.topics: the topics are those of the rungs: leave it out")
	case d.Brake.Notify != "":
		return errors.New("setting brake.notify: the topic that is told is made here: leave it out, and write who is told in notify")
	case !deployedPrefix().MatchString(d.Brake.Prefix):
		return fmt.Errorf(`setting brake.prefix: %q cannot begin the name of a stack and of its roles: a letter, then up to 53 letters, digits or "-"`, d.Brake.Prefix)
	}
	return nil
}
