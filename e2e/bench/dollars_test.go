package bench

import (
	"context"
	"strings"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
	"aws-hit-breaks/pkg/pricing"
	"aws-hit-breaks/pkg/report"
)

// listed is the region whose price list the simulated account has: the others are taken to cost the same.
const listed = "us-east-1"

// dollars is what each resource costs in an hour until it is stopped: what the report says that it uses,
// at the prices of the simulated list. A member costs its part of its group. What has no price is left out.
func (w *world) dollars(r report.Report, before awssim.State) map[string]float64 {
	stopped := map[string][]killswitch.Usage{}
	var products []killswitch.Product
	for _, resource := range r.Resources {
		for _, u := range resource.Uses {
			if !u.Kept {
				u.Product.Region = listed
				name := resource.Region + " " + string(resource.Kind) + " " + resource.ID
				stopped[name] = append(stopped[name], u)
				products = append(products, u.Product)
			}
		}
	}
	book := pricing.New(w.account.Process("prices").Config())
	book.Ask(context.Background(), products...)
	dollars := map[string]float64{}
	for name, uses := range stopped {
		each, _, _ := killswitch.Dollars(uses, book.Of)
		if each == nil {
			continue
		}
		dollars[name] = *each
		var members []string
		for field := range before[name] {
			if id, ok := strings.CutPrefix(field, "Instances."); ok {
				members = append(members, strings.Fields(name)[0]+" ec2:instance "+id)
			}
		}
		for _, member := range members {
			dollars[member] = *each / float64(len(members))
		}
	}
	return dollars
}
