package iam_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"aws-hit-breaks/infra/roles"
)

// Where `make tools` puts the IAM simulator, from the root of the module; and the variable that names
// another place.
const (
	simulatorVariable = "IAM_SIMULATE"
	simulatorDefault  = "../../.tools/npm"
)

// policy is the document of a policy.
type policy struct {
	Version   string
	Statement []roles.Statement
}

func document(statements []roles.Statement) policy { return policy{"2012-10-17", statements} }

// request is one question: may the role of the policy do this?
type request struct {
	Policy   string              `json:"policy"`
	Account  string              `json:"account"`
	Action   string              `json:"action"`
	Resource string              `json:"resource"`
	Context  map[string][]string `json:"context"`
}

// answer is what the simulator says to a request.
type answer struct {
	Answer   string
	Ignored  []string // keys of the context that AWS does not know for the action and its resource
	Patterns []string // of a request for more than one resource: those of the policy that allow it
}

// The answers.
const (
	allowed          = "Allowed"
	explicitlyDenied = "ExplicitlyDenied"
)

// described is an action of AWS, with an example of each resource that it is allowed on.
type described struct {
	Action    string
	Level     string
	Resources []string
}

// ask has the simulator decide requests against policies, in the same order, and describe every action
// of services.
func ask(t *testing.T, policies map[string]policy, requests []request, services ...string) ([]answer, []described) {
	t.Helper()
	folder := cmp.Or(os.Getenv(simulatorVariable), simulatorDefault)
	if _, err := os.Stat(folder); err != nil {
		const missing = "the IAM simulator is not installed in %s: `make tools` installs it; or set %s to where it is"
		if os.Getenv("CI") == "1" {
			t.Fatalf(missing, folder, simulatorVariable)
		}
		t.Skipf(missing, folder, simulatorVariable)
	}
	for i := range requests {
		requests[i].Account = place.Account
	}
	questions, err := json.Marshal(map[string]any{"policies": policies, "requests": requests, "services": services})
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	node := exec.CommandContext(t.Context(), "node", "simulate.mjs", folder)
	node.Stdin, node.Stderr = bytes.NewReader(questions), &complaints
	out, err := node.Output()
	if err != nil {
		t.Fatalf("ask the IAM simulator: %v\n%s", err, complaints.Bytes())
	}
	var got struct {
		Answers []answer
		Actions []described
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("read what the IAM simulator says: %v\n%.300s", err, out)
	}
	if len(got.Answers) != len(requests) {
		t.Fatalf("%d requests were made and %d answered", len(requests), len(got.Answers))
	}
	return got.Answers, got.Actions
}
