package command

import (
	"strings"

	"github.com/spf13/cobra"
)

// newTopics are what `aws-hit-breaks help` tells besides commands: a command that cannot be run is a
// topic of cobra's.
func newTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "filters", Short: "Which resources a command is about", Long: filtersTopic},
		{Use: "costs", Short: "What the dollars are, and what is not in them", Long: costsTopic},
		{Use: "environment", Short: "The variables that are read, and the files that are kept", Long: environmentTopic},
		{Use: "exit-codes", Short: "What a command ends with", Long: exitCodesTopic()},
	}
}

const filtersTopic = `Which resources discover, pause and resume are about. Each flag may be given again.

  --region PATTERN   in these regions; * is any text and ? any character: eu-west-1, eu-*
  --service NAME     of these services or kinds (see aws-hit-breaks services): rds, ec2:instance
  --tag KEY          that carry this tag, with any value
  --tag KEY=VALUE    that carry it with this value; capitals matter in both
  --id ID            with this id, as the tables show it

Values of one flag are alternatives; different flags must all match. Each has an --exclude-… of the
same grammar, and what any of those matches is left out. Commas separate values of --region and
--service, and belong to the value in --tag and --id.

  aws-hit-breaks pause --region 'eu-*' --tag env=dev --tag env=test --exclude-service rds

pauses what runs in Europe and is tagged env=dev or env=test, but no database.

Flags are about what is stopped as one: a group, a cluster, a service, a single instance. Protection
is of every part, and goes before all flags: what carries the tag aws-hit-breaks:protect (with any
value but false, no or 0; the setting protectTag names another tag) is never touched, nor the group,
cluster or host that it is part of.

A filter that cannot mean what it says is refused before AWS is asked: a region or service that does
not exist, a tag without a key, an exclusion that takes out what was asked for.

The scope of a topic in the settings, and that of a function's invocation, are the same as JSON:
{"regions": ["eu-*"], "tags": ["env=dev", "env=test"], "exclude": {"services": ["rds"]}}.`

const costsTopic = `What the dollars are: AWS's list prices, without Savings Plans, reservations, credits or free tier.
A day is 24 hours and a month 730, exactly.

  running            what runs costs by the hour
  saved by a pause   what of that a pause ends
  goes on to cost    what it does not: what is left alone, what the paused keeps (its disks), and
                     what has no pause at all: volumes, Elastic IPs, NAT gateways, load balancers

What has no known price is called unknown with the reason, is counted, and is in no sum. What has no
pause is not listed where a filter names services, tags or ids. Traffic, requests and storage in S3
are not in any of it.

Each product is asked for once (pricing:GetProducts, and for Spot ec2:DescribeSpotPriceHistory) and
kept for a day: by commands in prices.json, by functions in the snapshot table. Nothing that stops a
resource waits for a price.`

const environmentTopic = `The variables that are read:

  AWS_HIT_BREAKS_CONFIG     where what setup decided is kept, in the place of
                            ~/.aws-hit-breaks/config.json
  AWS_HIT_BREAKS_ROLE       the ARN of the role to work through, or none; before that of that file
  AWS_HIT_BREAKS_TABLE      the name of the snapshot table; before the one in that file
                            (default aws-hit-breaks-snapshots)
  AWS_HIT_BREAKS_SETTINGS   the settings, as JSON, by which commands with --local work and find the
                            functions' names: {"regions": ["eu-*"], "prefix": "brake"}
  AWS_REGION                where the brake is; before the region in that file, which goes before
                            that of a profile; without any of them it is us-east-1
  AWS_PROFILE, …            and all others that an AWS SDK reads for credentials and endpoints
  NO_COLOR                  with any value: neither colours nor bold
  TERM=dumb                 as where there is no terminal: nothing is drawn, and nothing asked

The files that are kept, in ~/.aws-hit-breaks, for your eyes alone:

  config.json          the role and where the brake is, as setup decided
  snapshots.db         the snapshots, where --local works without a table
  prices.json          prices of the last day, beside the configuration
  aws-hit-breaks.log   a line for each AWS call: what, where, how long, what came of it, and AWS's
                       id of the request, but nothing of what was sent or answered. It is kept to
                       5 MB, and three older ones with it. --debug writes the same on standard error`

// exitCodesTopic is what ends the help of every command, with a line for each code.
func exitCodesTopic() string {
	text := strings.TrimPrefix(strings.Join(strings.Fields(exits), " "), "Exit status: ")
	codes, rest, _ := strings.Cut(text, ". ")
	var b strings.Builder
	b.WriteString("What a command ends with:\n\n")
	for code := range strings.SplitSeq(codes, " · ") {
		number, meaning, _ := strings.Cut(code, " ")
		b.WriteString("  " + number + strings.Repeat(" ", 5-len(number)) + meaning + "\n")
	}
	return b.String() + "\n" + rest + `

Where one resource fails the others go on, and it is listed at the end. An error is one line on
standard error, with --json {"error": "…", "code": 12}; standard output has the report all the same,
where there is one.`
}
