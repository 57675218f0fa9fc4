package services

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"aws-hit-breaks/pkg/awserr"
	"aws-hit-breaks/pkg/killswitch"
)

// Observe looks at instances by id, and at the status checks of those that run.
func (s *instances) Observe(ctx context.Context, items []killswitch.Item) (map[killswitch.Ref]killswitch.Observation, error) {
	at := time.Now()
	ids, started := make([]string, len(items)), map[string]bool{}
	for n, it := range items {
		ids[n] = it.Resource.Ref.ID
		if it.State.Step == startInstances {
			// An original that cannot be read makes Decide refuse, whatever is seen.
			was, _ := decode[instanceOriginal](instanceSchema, it.Original)
			started[ids[n]] = was.Healthy
		}
	}
	looks, err := s.reads.look(ctx, ids, started)
	if err != nil {
		return nil, err
	}
	seen := make(map[killswitch.Ref]killswitch.Observation, len(items))
	for _, it := range items {
		look := looks[it.Resource.Ref.ID]
		observed := killswitch.Observation{Presence: killswitch.Unknown, At: at, State: look.State}
		switch {
		case look.gone != "":
			observed.Presence, observed.Evidence = killswitch.Absent, look.gone
		case look.State == stateTerminated:
			observed.Presence, observed.Evidence = killswitch.Absent, stateTerminated
		case look.State != "":
			before, _ := it.Seen.Resource.(instanceSeen)
			observed.Presence, observed.Resource = killswitch.Present, look.seen(before)
		}
		seen[it.Resource.Ref] = observed
	}
	return seen, nil
}

// Act stops or starts a batch with one call. Members of a placement group are best started in one
// call; the engine's batches do not look at that, and a start without room is tried again.
func (s *instances) Act(ctx context.Context, step string, batch []killswitch.Item) []killswitch.Result {
	ids := make([]string, len(batch))
	for n, it := range batch {
		ids[n] = it.Resource.Ref.ID
	}
	at := time.Now()
	states, err := s.reads.change(ctx, step, ids)
	results := make([]killswitch.Result, len(batch))
	for n, it := range batch {
		if err != nil {
			if results[n].Err = err; len(namedIn(err, ids[n:n+1])) == 0 {
				results[n].Err = refusalOf(err, len(batch), false)
			}
			continue
		}
		look, known := it.Seen.Resource.(instanceSeen)
		state, told := states[ids[n]]
		if !known || !told {
			continue
		}
		look.State, look.Status = state, statusUnknown
		results[n].Seen = &killswitch.Observation{
			Presence: killswitch.Present, At: at, State: state, Resource: look,
		}
	}
	return results
}

// change stops or starts instances with one call and tells the state that each is in now.
func (r *ec2Reads) change(ctx context.Context, step string, ids []string) (map[string]string, error) {
	switch step {
	case stopInstances, stopMembers:
		out, err := r.client.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids})
		if err != nil {
			return nil, whyNotStopped(err)
		}
		return statesAfter(out.StoppingInstances), nil
	case startInstances, startMembers:
		return r.start(ctx, ids)
	}
	return nil, fmt.Errorf("instances know no step %q", step)
}

// startAnswer is what became of a start, and how many it was asked for.
type startAnswer struct {
	states map[string]string
	asked  int
}

// start starts instances, in one call with others that are started at the same moment. What AWS refuses
// for all of them may be about the others alone: it is asked for these again.
func (r *ec2Reads) start(ctx context.Context, ids []string) (map[string]string, error) {
	answer, err := r.starts.about(ctx, ids)
	if err != nil && answer.asked > len(ids) && isRefusal(err) {
		answer, err = r.startAll(ctx, ids)
	}
	return answer.states, err
}

func (r *ec2Reads) startAll(ctx context.Context, ids []string) (startAnswer, error) {
	out, err := r.client.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids})
	if err != nil {
		return startAnswer{asked: len(ids)}, fmt.Errorf("start instances: %w", err)
	}
	return startAnswer{states: statesAfter(out.StartingInstances), asked: len(ids)}, nil
}

func statesAfter(changes []ec2types.InstanceStateChange) map[string]string {
	states := make(map[string]string, len(changes))
	for _, change := range changes {
		if change.CurrentState != nil {
			states[aws.ToString(change.InstanceId)] = string(change.CurrentState.Name)
		}
	}
	return states
}

// whyNotStopped says what a refused stop means and what the owner can do
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html).
func whyNotStopped(err error) error {
	switch awserr.Code(err) {
	case "OperationNotPermitted":
		return fmt.Errorf("stop protection is on: lift it to let a pause stop the instance: %w", err)
	case "UnsupportedOperation":
		return fmt.Errorf("EC2 cannot stop it (one-time Spot, or an instance-store root): %w", err)
	}
	return fmt.Errorf("stop instances: %w", err)
}

// refusalOf is the error of one member of a batch of n: where AWS refused the whole batch, possibly
// for another member, it says so. What never reached AWS's judgement is no refusal.
func refusalOf(err error, n int, named bool) error {
	if n == 1 || !isRefusal(err) {
		return err
	}
	return killswitch.BatchRefused{Err: err, Named: named}
}

// namedIn are those of the ids that AWS's answer names: EC2 says for which instance it refuses a batch
// ("The instance 'i-…' may not be stopped …", "… on resource: arn:aws:ec2:…:instance/i-…").
func namedIn(err error, ids []string) (named []string) {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return nil
	}
	words := strings.FieldsFunc(answer.ErrorMessage(), func(r rune) bool {
		return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for _, id := range ids {
		if slices.Contains(words, id) {
			named = append(named, id)
		}
	}
	return named
}

// isRefusal says whether AWS judged the call and refused it, possibly for one member.
func isRefusal(err error) bool {
	switch awserr.Of(err) {
	case awserr.Throttled, awserr.Transient, awserr.Cancelled:
		return false
	default:
		return true
	}
}
