package house

const module = "aws-hit-breaks"

// The AWS SDK for Go, whole.
var sdk = []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"}

const (
	sdkServices = "github.com/aws/aws-sdk-go-v2/service"
	lambdaGo    = "github.com/aws/aws-lambda-go"
	cdk         = "github.com/aws/aws-cdk-go"
	cobra       = "github.com/spf13/cobra"
	bbolt       = "go.etcd.io/bbolt"
	engine      = module + "/pkg/engine"
	services    = module + "/pkg/services"
	awssim      = module + "/pkg/awssim"
	boot        = module + "/pkg/boot"
	snapshots   = module + "/snapshots"
	infra       = module + "/infra"
)

// keepsEveryMethod is why text/template is kept out: it looks methods up by name.
const keepsEveryMethod = "where text/template is called the linker keeps every method of every SDK client, " +
	"and the programs grow fourfold"

var rules = []rule{
	{
		packages: []string{"pkg/killswitch", "pkg/filter", "pkg/alarm", "pkg/report", "pkg/settings"},
		not:      append([]string{engine}, sdk...),
		because:  "the words and what is pure are tested in an instant, and everything else may rest on them",
	},
	{
		packages: []string{"pkg/services"},
		not:      []string{engine, snapshots, awssim},
		because:  "a service says what to do with one kind of resource, and never when, nor how it is remembered",
	},
	{
		packages: []string{"pkg/engine"},
		not:      []string{services, sdkServices},
		because:  "an engine that knows a kind of resource has to change with every kind that is added",
	},
	{
		packages: []string{"pkg/notify"},
		not:      []string{engine, services},
		because:  "what is deployed is allowed the actions it names, and what deploys must not compile all that runs in it",
	},
	{
		packages: []string{"snapshots$"},
		not:      append([]string{bbolt, services, engine}, sdk...),
		because:  "a snapshot has to be readable and checkable wherever it is stored, by a program of any later year",
	},
	{
		packages: []string{"pkg/awssim"},
		not:      []string{services, engine, snapshots},
		because:  "a fake that shares code with what it checks repeats its mistakes",
	},
	{
		packages: []string{"pkg/engine", "pkg/services"},
		not:      []string{module + "/pkg/pricing"},
		because:  "nothing that stops a resource waits for a price",
	},
	{
		packages: []string{"pkg/pricing"},
		not:      []string{engine, services, snapshots, awssim},
		because:  "a price is of a product, whatever uses it and wherever it is kept",
	},
	{
		packages: []string{"e2e/floor"},
		not:      []string{engine, services},
		because:  "what the brake is measured by must not be made of it",
	},
	{
		packages: []string{"functions", "pkg/boot"},
		not:      []string{cobra, "github.com/charmbracelet", "charm.land", bbolt, awssim, infra, cdk},
		because:  "a function carries it through every cold start, and its zip file has to stay small",
	},
	{
		packages: []string{"functions", "pkg/boot"},
		not:      []string{"text/template"},
		because:  keepsEveryMethod,
	},
	{
		packages: []string{"cli"},
		not:      []string{lambdaGo, cdk, infra},
		because:  "the CLI runs on the machine of an operator, who deploys nothing with it and is no Lambda",
	},
	{
		packages: []string{"cli"},
		not:      []string{"text/template"},
		through:  []string{cobra}, // which calls it only for a template that somebody sets
		because:  keepsEveryMethod,
	},
	{
		packages: []string{"cli/config"},
		not:      append([]string{engine, services, snapshots, cobra}, sdk...),
		because:  "what was decided has to be readable when nothing else works",
	},
	{
		packages: []string{"infra"},
		not:      []string{engine, boot},
		because:  "what deploys the product reads what its services declare, and runs nothing of it",
	},
	{
		packages: []string{"infra/roles"},
		not:      []string{cdk},
		because:  "what a role may do is proven without a stack, and by tests that deploy nothing",
	},
}
